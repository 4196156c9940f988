# SPDX-License-Identifier: MIT
"""page.py: report.html in a browser: layout, sorting, anchors, keyboard, both colour schemes, print.

usage: page.py GTRACE ASSEMBLE SOURCE [SHOTS]

Without a browser only what the file itself tells is looked at, and the exit status is 77.  With a folder
SHOTS there are pictures of the pages in it afterwards.
"""
import base64
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import browser

SECTIONS = ["findings", "plots", "sites", "waits", "channels", "locks", "lanes", "end", "run"]
TRACES = ["leak_first_answer", "hidden_spin", "lock_abba", "partial_group", "idle_pool", "hostile_names",
          "starved", "order_three", "order_twice"]
ALIKE = 40  # goroutines that wait for the same, and as many for a channel of their own each
gtrace, assemble, source = sys.argv[1:4]
shots = pathlib.Path(sys.argv[4]) if len(sys.argv) > 4 else None
failures = 0


def check(good, what):
    global failures
    if not good:
        failures += 1
        print("FAILED:", what, flush=True)


def alike(own):
    """A trace in which they are all left behind, and main lives on for three seconds."""
    yield "header program=./alike argv='./alike -n <40>' cpus=3 version=0.0.9 runtime='gor 0.0.8' maxprocs=1 level=sync"
    yield "1000 t1 GO_NEW g=1 site=main.c:3:main:go:app"
    yield "2000 t1 GO_START g=1"
    for g in range(2, ALIKE + 2):
        at, obj = g * 1000, g if own else 2
        if own or g == 2:
            yield f"{at} t1 OBJ_NEW obj={obj} type=chan site=req.c:20:app:'chan make':done cap=0"
        yield f"{at + 100} t1 GO_NEW g={g} site=req.c:21:app:go:handle"
        yield f"{at + 200} t1 GIVE g={g} obj={obj}"
    yield "500000 t1 WAIT_UNTIL after=3000000000"
    yield "500000 t1 GO_PARK reason=sleep site=req.c:25:app:sleep: flags=1"
    for g in range(2, ALIKE + 2):
        yield f"{500000 + g * 100} t1 GO_START g={g}"
        yield f"{500050 + g * 100} t1 GO_PARK reason='chan send' obj={g if own else 2} site=req.c:5:handle:'chan send':*done"
    yield "3000600000 t1 GO_WAKE_BY g=1 by=timer"
    yield "3000600000 t1 GO_START g=1"
    yield "3000700000 t1 MAIN_END"
    yield "3000700000 t1 GO_END"
    yield "end exit 0"


def analyze(work, name):
    """The report's folder of a trace of tests/traces, or of one that is made here."""
    trace, text = work / (name + ".gtrace"), pathlib.Path(source, "tests/traces", name + ".txt")
    if name.startswith("alike"):
        text = work / (name + ".txt")
        text.write_text("\n".join(alike(name == "alike_own")) + "\n")
    subprocess.run([assemble, text, trace], check=True)
    subprocess.run([gtrace, "analyze", trace], stdout=subprocess.DEVNULL, cwd=work)
    return work / (name + ".report")


def look_at_file(name, report):
    html = (report / "report.html").read_text(encoding="utf-8")
    check(re.findall(r'<h2 id="(\w+)"', html) == SECTIONS, name + ": sections in order")
    check(not re.search(r'(src|href)="(?!#)', html), name + ": something outside is referred to")
    scripts = re.findall(r"<script>(.*?)</script>", html, re.S)
    check(len(scripts) == 1, name + ": one script")
    allowed = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    check(f"script-src 'sha256-{allowed}'" in html, name + ": the script is the one that is allowed")
    parts = re.findall(r"<text[^>]*>(\d+m)</text>", html)
    check(not parts, f"{name}: thousandths of a goroutine: {parts}")
    data = re.search(r'<script type="application/json" id="report">(.*?)</script>', html, re.S)
    check(json.loads(data[1]) == json.loads((report / "report.json").read_text()), name + ": JSON")
    return json.loads(data[1])


def look_at_head(name, report):
    """By what the trace was made, and where."""
    html = (report / "report.html").read_text(encoding="utf-8")
    head = html[html.index("<header>"):html.index("</header>")]
    mine = subprocess.run([gtrace, "--version"], check=True, capture_output=True, text=True).stdout.strip()
    for text in ("./alike -n &lt;40&gt;", "3.0 s until exit 0", "3 CPUs, GOR_MAXPROCS 1", "in steps of 1.0 ns",
                 f"recorded by gtrace 0.0.9 with gor 0.0.8, format 1.0; analyzed by {mine}"):
        check(text in head, f"{name}: '{text}' is not in {head}")


def look_at_order(name, report):
    """Of a circle of locks each arrow says where: the goroutine's two places."""
    html = (report / "report.html").read_text(encoding="utf-8")
    graph = html[html.index('<svg class="graph"'):]
    graph = graph[:graph.index("</svg>")]
    beside = re.findall('<text class="beside"[^>]*>(.*?)</text>', graph)
    expect = {"lock_abba": ["since store.c:19", "since store.c:31"],
              "order_three": ["since locks.c:10", "since locks.c:20", "since locks.c:30", "takes it, locks.c:11",
                              "takes it, locks.c:21", "takes it, locks.c:31"]}[name]
    check(sorted(beside) == expect, f"{name}: beside arrows {beside}")
    holds = graph.count('class="hold"')
    check(holds == sum(text.startswith("since") for text in expect), f"{name}: {holds} arrows from locks")


def look_at_folded(name, report, data):
    """Goroutines that wait alike are one box, which leads to all of them; what they wait for is another."""
    html = (report / "report.html").read_text(encoding="utf-8")
    finding = next(f for f in data["findings"] if f["kind"] == "leak")
    count = finding["count"]
    check(count == ALIKE, f"{name}: {count} leak")
    box = f'<a href="#goroutines-{finding["id"]}"><g class="goroutine"><title>{count} goroutines</title>'
    check(html.count('<g class="goroutine">') == 1 and box in html, f"{name}: the box of {count} goroutines")
    check(len(re.findall('<g class="object">', html)) == 1, name + ": the box of what they wait for")
    listed = re.search(rf'<dd id="goroutines-{finding["id"]}">(.*)</dd>', html)
    check(listed and len(re.sub("<summary>.*</summary>", ",", listed[1]).split(",")) == count, f"{name}: the list {listed}")


CONTRAST = """(() => {
  const light = text => { const c = text.match(/[0-9.]+/g).slice(0, 3).map(v => v / 255).map(
      v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2]; };
  const behind = e => { for (; e; e = e.parentElement) { const b = getComputedStyle(e).backgroundColor;
    if (!/, 0\\)$/.test(b)) return b; } return 'rgb(255, 255, 255)'; };
  return [...document.querySelectorAll('h1, h2, h3, p, dt, dd, a, th, td, code, figcaption, pre, .kind, .certainty')]
    .filter(e => e.textContent.trim()).map(e => { const a = light(getComputedStyle(e).color), b = light(behind(e));
      return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.outerHTML.slice(0, 80)]; })
    .filter(pair => pair[0] < 4.5); })()"""


def look_at_layout(page, name, url):
    seen = {}
    for scheme in ("light", "dark"):
        for width in (1200, 400):
            what = f"{name}, {width} px, {scheme}"
            page.open(url, width=width, scheme=scheme)
            check(not page.said, what + ": " + str(page.said))
            check(page.loaded == [url], what + ": loads " + str(page.loaded))
            wide = page.ask("document.documentElement.scrollWidth")
            check(wide <= width, f"{what}: {wide} px wide")
            check(not page.ask(CONTRAST), what + ": contrast of " + str(page.ask(CONTRAST))[:300])
            seen[scheme] = page.ask("getComputedStyle(document.body).backgroundColor")
            if shots:
                height = page.ask("document.documentElement.scrollHeight")
                clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
                png = page.call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)["data"]
                (shots / f"{name}-{width}-{scheme}.png").write_bytes(base64.b64decode(png))
    check(seen["light"] != seen["dark"], name + ": dark is not light")


def look_at_drawings(page, name):
    """Nothing of a graph lies outside of its drawing, and no two of its boxes overlap."""
    outside = page.ask("""[...document.querySelectorAll('svg.graph')].flatMap(svg => {
      const all = svg.getBoundingClientRect();
      return [...svg.querySelectorAll('rect, text')].map(e => e.getBoundingClientRect()).filter(r =>
        r.left < all.left - 1 || r.right > all.right + 1 || r.top < all.top - 1 || r.bottom > all.bottom + 1);
    }).length""")
    check(outside == 0, f"{name}: {outside} parts lie outside of the graph")
    over = page.ask("""[...document.querySelectorAll('svg.graph')].flatMap(svg => {
      const boxes = [...svg.querySelectorAll('rect')].map(e => e.getBoundingClientRect());
      return boxes.flatMap((a, i) => boxes.slice(i + 1).filter(b => a.left < b.right && b.left < a.right &&
        a.top < b.bottom && b.top < a.bottom)); }).length""")
    check(over == 0, f"{name}: {over} boxes overlap")


def look_at_zoom(page, name, url):
    """A plot fills the window when its link is followed, without a script, and goes back to its place."""
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    where = """(e => { const f = e.getBoundingClientRect(), s = e.querySelector('svg').getBoundingClientRect();
      return [f.left, f.top, f.width - innerWidth, f.height - innerHeight, s.width >= 1700]; })
      (document.querySelector('#plot-goroutines'))"""
    for width in (1200, 400):
        page.open(url + "#plot-goroutines", width=width)
        box = page.ask(where)
        check(box == [0, 0, 0, 0, True], f"{name}, {width} px: enlarged: {box}")
        check(page.ask("getComputedStyle(document.querySelector(':target .close')).display") == "inline",
              name + ": no way back")
        page.open(url + "#at-goroutines", width=width)
        box = page.ask(where)
        check(box[2] < 0 and not box[4], f"{name}, {width} px: closed: {box}")
    page.call("Emulation.setScriptExecutionDisabled", value=False)


def look_at_anchors(page, name, url, report):
    dangling = page.ask("""[...document.querySelectorAll('a')].map(a => a.getAttribute('href')).filter(
      h => !h.startsWith('#') || !document.getElementById(h.slice(1)))""")
    check(not dangling, f"{name}: links to nowhere: {dangling}")
    twice = page.ask("""(ids => ids.filter((id, i) => ids.indexOf(id) !== i))(
      [...document.querySelectorAll('[id]')].map(e => e.id).filter(id => !document.getElementById(id).closest('figure[id] svg')))""")
    check(not twice, f"{name}: ids there twice: {twice}")
    for finding in report["findings"]:
        anchor = f"{finding['kind']}-{finding['id']}"
        page.open(url + "#" + anchor)
        box = page.ask("(e => e && e.id + ' ' + (e.getBoundingClientRect().top < innerHeight))"
                       "(document.querySelector(':target'))")
        check(box == anchor + " true", f"{name}: #{anchor} leads to {box}")


def look_at_script(page, name):
    order = "[...document.querySelectorAll('#sites + div tbody tr')].map(r => Number(r.cells[2].dataset.sort))"
    button = "document.querySelectorAll('#sites + div thead th')[2]"
    page.ask(button + ".firstChild.click()")
    first = page.ask(order)
    check(first == sorted(first, reverse=True), f"{name}: sorted down: {first}")
    check(page.ask(button + ".ariaSort") == "descending", name + ": says that it goes down")
    page.ask(button + ".firstChild.click()")
    check(page.ask(order) == sorted(first), f"{name}: sorted up: {page.ask(order)}")
    if len(first) > 1:
        page.ask("(i => { i.value = 'no such thing'; i.dispatchEvent(new Event('input')); })"
                 "(document.querySelector('#sites + div input'))")
        left = page.ask("[...document.querySelectorAll('#sites + div tbody tr')].filter(r => !r.hidden).length")
        check(left == 0, f"{name}: {left} rows left by a filter that nothing fits")


def look_at_keyboard(page, name, url):
    page.open(url)
    reached = set()
    for _ in range(120):
        page.press("Tab")
        reached.add(page.ask("(e => e.getAttribute('href') || e.id || e.className || e.tagName)(document.activeElement)"))
    for section in SECTIONS:
        check("#" + section in reached, f"{name}: Tab does not get to #{section}")
    check("scroll" in reached and "BUTTON" in reached, f"{name}: Tab gets to {reached}")


def look_without_script(page, name, url):
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    page.open(url)
    html = page.call("DOM.getOuterHTML", nodeId=page.call("DOM.getDocument")["root"]["nodeId"])["outerHTML"]
    check("<button" not in html and "<input" not in html, name + ": controls that do nothing")
    check(html.count("<h2") == len(SECTIONS), name + ": sections without scripts")
    pdf = base64.b64decode(page.call("Page.printToPDF", preferCSSPageSize=False)["data"])
    check(pdf.startswith(b"%PDF") and len(pdf) > 5000, name + ": printed")
    page.call("Emulation.setScriptExecutionDisabled", value=False)


def main():
    program = browser.find()
    page = browser.Browser(program) if program else None
    with tempfile.TemporaryDirectory(prefix="gtrace-page.") as folder:
        for name in [*TRACES, "alike_one", "alike_own"]:
            folder_of = analyze(pathlib.Path(folder), name)
            report = look_at_file(name, folder_of)
            if name in ("order_three", "lock_abba"):
                look_at_order(name, folder_of)
            if name.startswith("alike"):
                look_at_folded(name, folder_of, report)
                look_at_head(name, folder_of)
            url = (folder_of / "report.html").as_uri()
            if not page:
                continue
            look_at_layout(page, name, url)
            look_at_drawings(page, name)
            look_at_anchors(page, name, url, report)
            look_at_script(page, name)
            if name == "lock_abba":
                look_at_keyboard(page, name, url)
                look_without_script(page, name, url)
                look_at_zoom(page, name, url)
    if page:
        page.close()
    elif not failures:
        print("skipped: there is no Chromium; the files themselves are right")
        return 77
    return 1 if failures else 0


sys.exit(main())
