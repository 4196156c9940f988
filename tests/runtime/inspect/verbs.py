# SPDX-License-Identifier: MIT
"""verbs.py: what gtrace asks running programs, and what it says when it cannot.

usage: verbs.py PROGRAM GTRACE
"""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys

from target import Target, check
import target

program, gtrace = sys.argv[1:3]
sanitized = len(sys.argv) > 3  # where memory is not searched


def run(t, *words, status=0, user=None):
    """What the verb prints; with another status, what it says."""
    command = [gtrace] + [str(w) for w in words]
    if user:
        command = ["setpriv", f"--reuid={user}", "--clear-groups"] + command
    out = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=t.home,
                         env=dict(os.environ, XDG_RUNTIME_DIR=str(t.home)))
    check(out.returncode == status, f"{words}: status {out.returncode}: {out.stdout}{out.stderr}")
    if status:
        check(out.stderr.startswith("gtrace: ") and not out.stdout, f"{words}: {out.stdout}{out.stderr}")
    return out.stderr if status else out.stdout


def ps(t):
    lines = run(t, "ps").splitlines()
    check(lines[0].split() == "PID PPID NAME * VERSION GOROUTINES BLOCKED CPU% RSS ELAPSED PATH".split(), lines[0])
    row = next(line.split() for line in lines if line.split()[0] == str(t.pid))
    check(row[3] == "*" and row[5:7] == ["7", "7"] and row[-1] == os.path.realpath(program), row)
    check(f"[*]  {t.pid} (" in run(t, "ps", "-t"), "tree")
    row = next(p for p in json.loads(run(t, "ps", "--json"))["processes"] if p["pid"] == t.pid)
    check(row["agent"] and row["goroutines"] == 7 and row["ppid"] == os.getpid(), row)
    one = dict(line.split(":\t") for line in run(t, "ps", t.pid, "10ms").splitlines())
    check(one["goroutines"] == "7" and one["cmd+args"] == f"{program} idle " and "cpu usage (10.0 ms)" in one
          or one["cmd+args"] == f"{program} idle", one)


def stack(t):
    whole = run(t, "stack", t.pid)
    check(len(re.findall(r"^goroutine \d+ \[", whole, re.M)) == 7, whole)
    for options, count in ((["--state", "chan receive"], 3), (["--state", "sleep"], 1), (["-g", 3], 1),
                           (["--state", "sleep", "-g", 3], 0), (["--min-wait", "1h"], 0),
                           (["--min-wait", "1ms"], 7)):
        text = run(t, "stack", *options, t.pid)
        check(len(re.findall(r"^goroutine \d+ \[", text, re.M)) == count, f"{options}: {text}")
    check(run(t, "stack", "--debug", 1, t.pid).startswith("goroutine profile: total 7\n"), "debug 1")
    chans, locks = run(t, "chans", t.pid), run(t, "locks", t.pid)
    check(re.search(r'^chan "never".*\n\tchan receive: goroutine 2, 3, 4\n', chans, re.M), chans)
    check("Mutex" not in chans and "chan " not in locks, chans + locks)
    check(re.search(r'^sync.Mutex "&held".*\n\theld by goroutine 1\n\tsync.Mutex.Lock: goroutine 5, 6\n', locks,
                    re.M), locks)


def numbers(t):
    text = run(t, "stats", t.pid)
    check("goroutines: 7\nblocked: 7\n" in text and re.search(r"chan receive +3\n", text), text)
    check(json.loads(run(t, "stats", "--json", t.pid))["pid"] == t.pid, "JSON")
    text = run(t, "top", "-n", 1, t.pid)
    rows = [line.split() for line in text.splitlines()[3:]]
    check([r[0] for r in rows] == ["3", "2", "1", "1"] and "receive()" in rows[0], text)
    check(run(t, "top", "-n", 2, "-d", "1ms", t.pid).count("COUNT") == 2, "twice")
    check(re.search(rf"^ *{t.pid} +7 +7 ", run(t, "top", "-n", 1), re.M), "all")
    name = run(t, "profile", t.pid).strip()
    check(name == f"goroutine.{t.pid}.pb.gz" and (t.home / name).read_bytes()[:2] == b"\x1f\x8b", name)
    check("exists" in run(t, "profile", t.pid, status=3), "overwritten")


def troubles(t):
    check("is not a process number" in run(t, "stack", "x", status=2), "no number")
    check("there is no process" in run(t, "stack", 2 ** 31 - 1, status=3), "no process")
    check("has no agent" in run(t, "stats", os.getpid(), status=3), "no agent")
    check("did you mean 'goroutine'" in run(t, "profile", t.pid, "gorutine", status=2), "no profile")
    if os.geteuid() == 0 and shutil.which("setpriv") and os.access(gtrace, os.X_OK):
        try:  # where another user reaches the program at all
            check("is another user's" in run(t, "stack", t.pid, status=3, user=65534), "another user's")
        except PermissionError:
            print("another user cannot start gtrace here: not tried")
    t.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, t.pid, os.WSTOPPED | os.WNOWAIT)
    check(f"{t.pid}" in run(t, "ps"), "stopped: still listed")
    t.process.send_signal(signal.SIGCONT)
    t.process.kill()
    t.process.wait()
    check(t.socket.exists(), "SIGKILL leaves the socket")
    check("there is no process" in run(t, "stack", t.pid, status=3), "killed")
    run(t, "ps")
    check(not t.socket.exists(), "a stale socket is left")


def stale(t):
    """A socket that has the right name, and somebody else behind it, or nobody."""
    path = t.socket.parent / f"{os.getpid()}.sock"
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(path))
        check("does not listen" in run(t, "stats", os.getpid(), status=3), "nobody behind it")
    path.unlink()
    path.symlink_to(t.socket)
    check("does not listen" in run(t, "stats", os.getpid(), status=3), "another process behind it")
    path.unlink()


def traces():
    """Recorded in the middle: twice, while it works."""
    with Target(program, "work") as t:
        t.await_agent()
        for name in ("a.gtrace", "b.gtrace"):
            check(run(t, "record", t.pid, "-d", "100ms", "-o", name) == name + "\n", "its name")
            info = dict(line.split("=", 1) for line in run(t, "info", name).splitlines() if "=" in line)
            check((info["lost_events"], info["broken"], info["inversions"]) == ("0", "0", "0"), str(info))
            check(int(info["count.GO_STATUS"]) >= 3 and int(info["count.GO_PARK"]) > 20, str(info))
            check("the program stopped recording and went on" in info["ended"], info["ended"])
        both = [subprocess.Popen([gtrace, "record", str(t.pid), "-d", "1s", "-o", name], cwd=t.home,
                                 env=dict(os.environ, XDG_RUNTIME_DIR=str(t.home)), stderr=subprocess.PIPE,
                                 text=True) for name in ("c.gtrace", "d.gtrace")]
        said = sorted(p.communicate()[1] for p in both)
        check(sorted(p.returncode for p in both) == [0, 3] and "tracing is already enabled" in said[1], said)
        check(run(t, "leaks", t.pid, "-d", "100ms").count("no problems") == 1, "no leaks")


def leaks():
    with Target(program, "leak") as t:
        t.await_agent()
        if json.loads(t.get("/debug/gtrace/stats", unix=True)[2])["goroutines"] != 5:
            print("the goroutine that leaves is still there")
        out = subprocess.run([gtrace, "leaks", str(t.pid), "-d", "200ms"], capture_output=True, text=True,
                             env=dict(os.environ, XDG_RUNTIME_DIR=str(t.home)), cwd=t.home)
        if sanitized:
            return
        check(out.returncode == 1 and "4 goroutines blocked for good in chan send" in out.stdout,
              out.stdout + out.stderr)


traces()
leaks()
with Target(program, "idle") as one:
    one.await_agent()
    ps(one)
    stack(one)
    numbers(one)
    stale(one)
    troubles(one)
sys.exit(1 if target.failures else 0)
