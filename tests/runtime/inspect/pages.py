# SPDX-License-Identifier: MIT
"""pages.py: /debug/pprof/, row by row as net/http/pprof has it, and who is refused.

usage: pages.py PROGRAM SOURCE
"""
import gzip
import http.client
import os
import pathlib
import re
import subprocess
import shutil
import sys

from target import Target, check, until
import target

program, source = sys.argv[1:3]
PPROF = "/debug/pprof/"
TEXT = "text/plain; charset=utf-8"


def rows(t):
    """Status, headers and bodies of each page."""
    for path, status, text in (
            ("goroutine?seconds=1&debug=1", 400, "seconds and debug params are incompatible\n"),
            ("goroutine?seconds=x", 400, 'invalid value for "seconds" - must be a positive integer\n'),
            ("goroutine?seconds=0", 400, 'invalid value for "seconds" - must be a positive integer\n'),
            ("nosuch", 404, "Unknown profile\n"),
            ("..%2f..%2fetc", 404, "Unknown profile\n")):
        got, headers, body = t.get(PPROF + path)
        check((got, body.decode()) == (status, text), f"{path}: {got} {body}")
        check(headers["X-Go-Pprof"] == "1" and headers["Content-Type"] == TEXT, path + ": headers")
        check("Content-Disposition" not in headers, path + ": saved")
    for name in ("heap", "allocs", "heap?gc=1"):
        got, headers, body = t.get(PPROF + name)
        check(got == 404 and b"does not own malloc" in body and body.count(b"\n") == 1, name)
    for name in ("goroutine", "block", "mutex", "threadcreate"):
        got, headers, body = t.get(PPROF + name)
        check(got == 200, f"{name}: {got} {body[:80]}")
        if got != 200:
            continue
        check(headers["Content-Type"] == "application/octet-stream", name + ": type")
        check(headers["Content-Disposition"] == f'attachment; filename="{name}"', name + ": saved as")
        check(headers["X-Content-Type-Options"] == "nosniff", name + ": nosniff")
        check(len(gzip.decompress(body)) > 0, name + ": gzip")
        for debug in (1, 2):
            got, headers, body = t.get(f"{PPROF}{name}?debug={debug}")
            check((got, headers["Content-Type"]) == (200, TEXT), f"{name} {debug}: {got}")
    check(b"goid" not in gzip.decompress(t.get(PPROF + "goroutine")[2]), "numbers unasked")
    check(b"goid" in gzip.decompress(t.get(PPROF + "goroutine?each=1")[2]), "numbers of goroutines")
    body = t.get(PPROF + "goroutine?debug=1")[2].decode()
    check(body.startswith("goroutine profile: total 7\n"), body[:60])
    body = t.get(PPROF + "goroutine?debug=2")[2].decode()
    check(len(re.findall(r"^goroutine \d+ \[.*\]:$", body, re.M)) == 7, body)
    check(t.get(PPROF + "threadcreate?debug=1")[2].startswith(b"threadcreate profile: total "), "threads")
    got, headers, body = t.get(PPROF + "cmdline")
    check((got, body) == (200, f"{program}\0idle\0localhost:0".encode()), f"cmdline: {body}")
    got, headers, body = t.get(PPROF + "symbol")
    check((got, body, headers["Content-Type"]) == (200, b"num_symbols: 1\n", TEXT), f"symbol: {body}")


def delta(t):
    """Nothing has changed."""
    got, headers, body = t.get(PPROF + "goroutine?seconds=1")
    check((got, headers["Content-Disposition"]) == (200, 'attachment; filename="goroutine-delta"'), f"delta: {got}")
    if shutil.which("go"):
        (t.home / "delta.pb.gz").write_bytes(body)
        out = subprocess.run(["go", "tool", "pprof", "-raw", t.home / "delta.pb.gz"], capture_output=True,
                             text=True, env=dict(os.environ, HOME=str(t.home)))
        samples = re.search(r"^Samples:\n(.*?)^Locations", out.stdout, re.M | re.S)
        counts = [int(n) for n in re.findall(r"^ +(-?\d+) ", samples[1], re.M)] if samples else None
        check(counts is not None and sum(counts) == 0, out.stdout + out.stderr)
        check("Duration: 1s" in out.stdout, out.stdout)


def symbols(t):
    """Of the addresses that debug=1 has, and of nonsense."""
    stacks = re.findall(r"^\d+ @ (.*)$", t.get(PPROF + "goroutine?debug=1")[2].decode(), re.M)
    check(len(stacks) == 4, stacks)
    pcs = " ".join(stacks).split()
    answer = t.get(PPROF + "symbol?" + "+".join(pcs))[2].decode().splitlines()
    check(answer[0] == "num_symbols: 1" and len(answer) == len(pcs) + 1, answer)
    check("app" in [line.split()[1] for line in answer[1:]], answer)
    for nonsense in ("0x", "+++", "0xffffffffffffffff+0x1", "zz", "%00", "a=b"):
        check(t.get(PPROF + "symbol?" + nonsense)[2] == b"num_symbols: 1\n", nonsense)


def index(t):
    """The page with the counts taken out is index.txt."""
    got, headers, body = t.get(PPROF)
    check((got, headers["Content-Type"]) == (200, "text/html; charset=utf-8"), f"index: {got}")
    body = body.decode()
    check("<script" not in body, "index: a script")
    check('<a href="goroutine?debug=1">7</a>' in body, "index: seven goroutines")
    golden = pathlib.Path(source, "tests/runtime/inspect/index.txt").read_text()
    text = re.sub(r"<style>.*?</style>|<[^>]*>", "", re.sub(r">\d+</a>", ">N</a>", body), flags=re.S)
    text = re.sub(r"\n+", "\n", text).strip() + "\n"
    check(text == golden, "index:\n" + text)
    links = re.findall(r'href="([^"]*)"', body)
    names = re.findall(r'<tr><td><a href="(\w+)\?debug=1">\d+</a></td>', body)
    check(names == sorted(names) and len(names) == 11, names)
    check(set(links) == {n + "?debug=1" for n in names} | {"goroutine?debug=2"}, links)
    got, headers, _ = t.get("/debug/pprof")
    check((got, headers["Location"]) == (301, "/debug/pprof/"), "no slash")


def refused(t):
    for host, status in (("evil.example", 403), ("evil.example:6060", 403), ("127.0.0.1.evil.example", 403),
                         ("[evil]", 403), ("", 403), ("x" * 300, 403), ("127.0.0.1:99", 200),
                         ("[::1]:99", 200), ("localhost", 200), ("LOCALHOST:1", 200)):
        got, headers, _ = t.get(PPROF, Host=host)
        check(got == status, f"Host {host}: {got}")
        check(not [h for h in headers if h.lower().startswith("access-control")], "CORS")
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "FOO"):
        got, headers, _ = t.get(PPROF, method=method)
        check((got, headers["Allow"]) == (405, "GET, HEAD"), f"{method}: {got}")
    got, headers, body = t.get(PPROF + "goroutine?debug=2", method="HEAD")
    check(got == 200 and body == b"" and int(headers["Content-Length"]) > 100, "HEAD")
    check(t.get("/")[0] == 404 and t.get("/debug/pprofx")[0] == 404, "elsewhere")
    check(b" 431 " in t.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\nA: " + b"a" * 99999 + b"\r\n\r\n")[:20],
          "large headers")
    check(b" 414 " in t.raw(b"GET /" + b"a" * 99999 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")[:20], "long line")


def many(t):
    """Sixteen connections that say nothing keep the others out, until one of them goes."""
    held = [t.connect() for _ in range(16)]
    waiting = t.connect()
    waiting.sendall(b"GET /debug/pprof/cmdline HTTP/1.0\r\n\r\n")
    waiting.settimeout(0.3)
    try:
        check(waiting.recv(10) == b"", "a seventeenth was served")
    except (TimeoutError, ConnectionError):
        pass
    for s in held + [waiting]:
        s.close()
    until(lambda status: status == 200, lambda: again(t), "served again")  # they are seen to be gone in their turn


def again(t):
    try:
        return t.get(PPROF + "cmdline")[0]
    except (ConnectionError, http.client.HTTPException) as refused:
        return refused


def stuck():
    """All workers compute, and the page is there."""
    with Target(program, "stuck", "127.0.0.1:0") as t:
        t.settle()
        check(t.get(PPROF)[0] == 200, "stuck: index")
        body = t.get(PPROF + "goroutine?debug=2")[2].decode()
        check("[running" in body, "stuck: " + body)
        got, headers, body = t.get(PPROF + "profile?seconds=1")
        check((got, headers["Content-Disposition"]) == (200, 'attachment; filename="profile"'), f"profile: {got}")
        if b"__tsan_init" in pathlib.Path(program).read_bytes():
            return  # ThreadSanitizer keeps signals back until the next system call
        until(lambda profile: b"busy_spin" in profile, lambda: gzip.decompress(t.get(PPROF + "profile?seconds=1")[2]),
              "profile: who computes")  # if it gets a processor at all
        if shutil.which("go"):
            pprof(t, "profile?seconds=1", "busy_spin")


def each(t):
    """A sample for each goroutine, with its number."""
    (t.home / "each.pb.gz").write_bytes(t.get(PPROF + "goroutine?each=1")[2])
    out = subprocess.run(["go", "tool", "pprof", "-raw", t.home / "each.pb.gz"], capture_output=True, text=True,
                         env=dict(os.environ, HOME=str(t.home)))
    check(sorted(re.findall(r"goid:\[(\d+)\]", out.stdout)) == list("1234567"), out.stdout + out.stderr)


def pprof(t, path, function):
    out = subprocess.run(["go", "tool", "pprof", "-top", f"http://127.0.0.1:{t.port}{PPROF}{path}"],
                         capture_output=True, text=True, env=dict(os.environ, HOME=str(t.home)))
    check(function in out.stdout, out.stdout + out.stderr)


with Target(program, "idle", "localhost:0") as one:
    check(one.port > 0, "a port")
    one.settle()
    rows(one)
    delta(one)
    symbols(one)
    index(one)
    refused(one)
    many(one)
    if shutil.which("go"):
        pprof(one, "goroutine", "receive")
        each(one)
    check(one.end() == 0, "its end")
stuck()
sys.exit(1 if target.failures else 0)
