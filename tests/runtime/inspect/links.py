# SPDX-License-Identifier: MIT
"""links.py: the index in a browser, and each link on it.

usage: links.py PROGRAM SOURCE
"""
import sys

program, source = sys.argv[1:3]
sys.path.insert(0, source + "/tests/analyzer")

import browser
from target import Target, check
import target

path = browser.find()
if not path:
    print("there is no Chromium: not tried")
    sys.exit(77)
with Target(program, "idle", "127.0.0.1:0") as t:
    t.settle()
    url = f"http://127.0.0.1:{t.port}/debug/pprof/"
    page = browser.Browser(path)
    page.open(url)
    check([s for s in page.said if "favicon" not in s and "404" not in s] == [], "it says " + str(page.said))
    check(page.ask("document.title") == "/debug/pprof/", "title")
    check(page.ask("document.scripts.length") == 0, "a script")
    check(page.ask("document.querySelectorAll('table tr').length") == 12, "rows")
    links = page.ask("[...document.querySelectorAll('a')].map(a => a.href)")
    check(len(set(links)) == 12, links)
    slow = {"profile", "trace"}  # saved by the browser, after a while
    for link in sorted(set(links)):
        name = link.rsplit("/", 1)[1].split("?")[0]
        if name in slow:
            got = page.ask(f"fetch({link!r} + '&seconds=1').then(r => r.status)")
            check(got == 200, f"{link}: {got}")
            continue
        page.open(link)
        text = page.ask("document.body.innerText")
        check(page.ask("document.contentType") == "text/plain", f"{link}: {text[:80]}")
        check(("does not own malloc" in text) == (name in ("heap", "allocs")), f"{link}: {text[:80]}")
    page.open(f"http://localhost:{t.port}/debug/pprof/goroutine?debug=2")
    check("goroutine 1 [" in page.ask("document.body.innerText"), "by name")
page.close()
sys.exit(1 if target.failures else 0)
