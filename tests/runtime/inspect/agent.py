# SPDX-License-Identifier: MIT
"""agent.py: the socket that every program has: who gets in, and when it goes.

usage: agent.py PROGRAM
"""
import json
import os
import pathlib
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile

from target import Target, check
import target

program = sys.argv[1]
skipped = None


def listening(pid):
    """Sockets of the process that listen for TCP or UDP."""
    inodes = set()
    for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            name = os.readlink(fd)
        except OSError:
            continue
        if name.startswith("socket:["):
            inodes.add(name[8:-1])
    found = []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        path = pathlib.Path(f"/proc/{pid}/net/{table}")
        lines = path.read_text().splitlines()[1:] if path.exists() else []
        found += [line for line in lines if line.split()[9] in inodes]
    return found


def usual():
    with Target(program, "idle") as t:
        t.settle()
        check(stat.S_IMODE(t.socket.stat().st_mode) == 0o600, "mode of the socket")
        check(stat.S_IMODE(t.socket.parent.stat().st_mode) == 0o700, "mode of its folder")
        check(listening(t.pid) == [], "a port is open")
        status, _, body = t.get("/debug/gtrace/stats", unix=True)
        stats = json.loads(body)
        check((status, stats["pid"], stats["goroutines"], stats["blocked"]) == (200, t.pid, 7, 7), body)
        check(stats["states"] == target.SETTLED["idle"], body)
        check(stats["recording"] is None and stats["procs"] == 2 and stats["rss_bytes"] > 0, body)
        status, _, body = t.get("/debug/gtrace/sites", unix=True)
        sites = {s["site"]["func"]: s["count"] for s in json.loads(body)["sites"]}
        check(sites == {"receive": 3, "lock": 2, "nap": 1, "app": 1}, body)
        check(t.get("/debug/pprof/", unix=True)[0] == 200, "the same pages")
        check(t.get("/debug/pprof/", unix=True, Host="evil.example")[0] == 403, "the same rules")
        check(t.end() == 0, "its end")
        check(not t.socket.exists(), "the socket is left behind")


def without():
    with Target(program, "idle", GOR_DEBUG="agent=0") as t:
        check(not t.socket.parent.exists(), "agent=0")


def not_ours():
    """A folder that others can use: /tmp's is taken, and without that none."""
    home = pathlib.Path(tempfile.mkdtemp())
    (home / "gtrace").mkdir()
    (home / "gtrace").chmod(0o770)
    with Target(program, "idle", XDG_RUNTIME_DIR=str(home)) as t:
        t.socket = pathlib.Path(f"/tmp/gtrace-{os.geteuid()}/{t.pid}.sock")
        t.await_agent()
        check(list((home / "gtrace").iterdir()) == [], "a socket in a folder that others may write to")
        check(t.end() == 0 and not t.socket.exists(), "left behind")
    shutil.rmtree(home)


def killed():
    """The file stays, nobody answers, and the next one of this number would take it away."""
    with Target(program, "idle") as t:
        t.await_agent()
        t.process.send_signal(signal.SIGKILL)
        t.process.wait()
        try:
            t.connect(unix=True)
            check(False, "somebody answers for the dead")
        except ConnectionRefusedError:
            pass


def forked():
    """A child does not answer for its parent, and leaves the socket where it is; at whatever moment of the agent's
    start it is born."""
    with Target(program, "fork") as t:
        t.await_agent()
        child = int(t.process.stdout.readline())
        t.process.send_signal(signal.SIGKILL)
        t.process.wait()
        os.kill(child, 0)  # it lives
        try:
            t.connect(unix=True)
            check(False, "a child answers for its parent")
        except ConnectionRefusedError:
            pass
        os.kill(child, signal.SIGKILL)


def another_user():
    global skipped
    nobody = shutil.which("setpriv")
    if os.geteuid() != 0 or not nobody:
        skipped = "not root, or no setpriv: another user was not tried"
        return
    with Target(program, "idle") as t:
        t.await_agent()
        # Even if the rights of the files let it.
        t.home.chmod(0o755)
        t.socket.parent.chmod(0o755)
        t.socket.chmod(0o666)
        out = subprocess.run([nobody, "--reuid=65534", "--clear-groups", sys.executable, "-c",
                              "import socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\n"
                              "try:\n s.sendall(b'GET /debug/gtrace/stats HTTP/1.0\\r\\n\\r\\n')\n"
                              " print(s.recv(100))\nexcept OSError:\n print(b'')", str(t.socket)],
                             capture_output=True, text=True)
        check(out.stdout == "b''\n", "another user: " + out.stdout + out.stderr)
        check(t.get("/debug/gtrace/stats", unix=True)[0] == 200, "its own user")


usual()
without()
not_ours()
killed()
for _ in range(10):
    forked()
another_user()
if skipped:
    print(skipped)
sys.exit(1 if target.failures else 0)
