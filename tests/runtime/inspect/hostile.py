# SPDX-License-Identifier: MIT
"""hostile.py: random and broken requests, by thousands; the page goes on answering.

usage: hostile.py PROGRAM [SEED]
"""
import random
import sys

from target import Target, check
import target

program = sys.argv[1]
seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32)
rng = random.Random(seed)
WORDS = [b"GET", b"HEAD", b"POST", b" ", b"  ", b"/debug/pprof/", b"goroutine", b"?debug=", b"1", b"99999999999",
         b"-1", b"&seconds=", b"x", b"%", b"%00", b"%2f", b"..", b" HTTP/1.1", b" HTTP/1.0", b" HTTP/9.9", b"\r\n",
         b"\n", b"\r", b"Host: localhost", b"Host:", b"Content-Length: ", b"Transfer-Encoding: chunked", b"Expect: "
         b"100-continue", b"Connection: upgrade", b"Range: bytes=0-", b"\0", b"\xff" * 9, b"symbol?0x1+", b"A" * 5000,
         b": ", b"/debug/gtrace/sites", b"\r\n\r\n", b"Cookie: a=b; c", b"#", b"*", b"http://localhost/"]


def request():
    kind = rng.randrange(3)
    if kind == 0:
        return rng.randbytes(rng.randrange(1, 400))
    if kind == 1:
        return b"".join(rng.choice(WORDS) for _ in range(rng.randrange(1, 20)))
    good = bytearray(b"GET /debug/pprof/goroutine?debug=1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    for _ in range(rng.randrange(1, 6)):
        good[rng.randrange(len(good))] = rng.randrange(256)
    return bytes(good)


with Target(program, "idle", "127.0.0.1:0") as t:
    t.await_agent()
    for n in range(600):
        data = request()
        try:
            answer = t.raw(data, unix=n % 2 == 0)
        except ConnectionError:
            answer = b""
        check(not answer or answer.startswith(b"HTTP/1."), f"seed {seed}, request {n}: {data!r}: {answer[:60]!r}")
        if n % 50 == 0:
            check(t.get("/debug/pprof/goroutine?debug=1")[0] == 200, f"seed {seed}, after request {n}: {data!r}")
    check(t.end() == 0, f"seed {seed}: its end")
sys.exit(1 if target.failures else 0)
