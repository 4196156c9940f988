# SPDX-License-Identifier: MIT
"""gops.py: each byte of gops's protocol, and the file that tells the port.

usage: gops.py PROGRAM
"""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile

from target import Target, check
import target

program = sys.argv[1]
home = pathlib.Path(tempfile.mkdtemp(prefix="gor-gops."))


def ask(port, request):
    with socket.create_connection(("127.0.0.1", port), timeout=60) as s:
        s.sendall(request)
        answer = b""
        while more := s.recv(65536):
            answer += more
        return answer


def begin(mode, **env):
    """A target that is found by its file, and its port."""
    t = Target(program, mode, GOR_DEBUG="gops=1", GOPS_CONFIG_DIR=str(home / "deep" / "gops"), **env)
    file = home / "deep" / "gops" / str(t.pid)
    while not file.exists() or not file.read_text():  # it is written while the program goes on
        assert t.process.poll() is None
        os.sched_yield()
    return t, file, int(file.read_text())


t, file, port = begin("work")
with t:
    stack = ask(port, b"\x01").decode()
    check(len(re.findall(r"^goroutine \d+ \[", stack, re.M)) == 3, stack)
    check(ask(port, b"\x02") == b"there is no garbage collector\n", "gc")
    check(b"does not own malloc" in ask(port, b"\x03"), "memstats")
    check(ask(port, b"\x04") == b"gor 0.1.0 (C)\n", "version")
    check(b"does not own malloc" in ask(port, b"\x05"), "heap")
    stats = ask(port, b"\x07").decode()
    check(re.fullmatch(r"goroutines: 3\nOS threads: \d+\nGOMAXPROCS: 2\nnum CPU: \d+\n", stats), stats)
    check(ask(port, b"\x09") == b"unknown request 9\n", "the executable is not given away")
    check(ask(port, b"\x10\x64") == b"there is no garbage collector\n", "percentage")
    check(ask(port, b"\xff") == b"unknown request 255\n", "nonsense")
    check(ask(port, b"\x08")[1:4] == b"\x2a\x4d\x18", "trace")  # a skippable frame
    with socket.create_connection(("127.0.0.1", port)) as s:  # a CPU profile that nobody waits for
        s.sendall(b"\x06")
    check(ask(port, b"\x04") == b"gor 0.1.0 (C)\n", "it waits for nobody")
    if shutil.which("gops"):
        out = subprocess.run(["gops", "stats", str(t.pid)], capture_output=True, text=True,
                             env=dict(os.environ, GOPS_CONFIG_DIR=str(file.parent)))
        check("goroutines: 3" in out.stdout, out.stdout + out.stderr)
    check(t.end() == 0 and not file.exists(), "the file is left behind")
shutil.rmtree(home)
sys.exit(1 if target.failures else 0)
