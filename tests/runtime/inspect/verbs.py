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

from target import Target, check, until
import target

program, gtrace = sys.argv[1:3]
sanitized = len(sys.argv) > 3  # where memory is not searched
BLOCK = re.compile(r"^goroutine \d+ \[", re.M)


def run(t, *words, status=0, user=None):
    """What the verb prints; if it fails, as it then should, what it says."""
    command = [gtrace] + [str(w) for w in words]
    if user:
        command = ["setpriv", f"--reuid={user}", "--clear-groups"] + command

    def ask():
        return subprocess.run(command, capture_output=True, text=True, cwd=t.home,
                              env=dict(os.environ, XDG_RUNTIME_DIR=str(t.home)))

    # A verb gives a program ten seconds, which may be none of the machine's fault.
    out = until(lambda out: "did not answer in time" not in out.stderr, ask, words)
    check(out.returncode == status, f"{words}: status {out.returncode}: {out.stdout}{out.stderr}")
    if status > 1:
        check(out.stderr.startswith("gtrace: ") and not out.stdout, f"{words}: {out.stdout}{out.stderr}")
    return out.stderr if status > 1 else out.stdout


def row(t, *words):
    """Of the program in the list of all, which gives each one second to answer."""
    def ask():
        return next((line.split() for line in run(t, *words).splitlines() if line.split()[:1] == [str(t.pid)]), [])

    return until(lambda row: "-" not in row, ask, words)


def ps(t):
    one = row(t, "ps")
    check(one[3] == "*" and one[5:7] == ["7", "7"] and one[-1] == os.path.realpath(program), one)
    check(f"[*]  {t.pid} (" in run(t, "ps", "-t"), "tree")

    def ask():
        return next(p for p in json.loads(run(t, "ps", "--json"))["processes"] if p["pid"] == t.pid)

    one = until(lambda p: "goroutines" in p, ask, "ps --json")
    check(one["agent"] and one["goroutines"] == 7 and one["ppid"] == os.getpid(), one)
    one = dict(line.split(":\t") for line in run(t, "ps", t.pid, "10ms").splitlines())
    check(one["goroutines"] == "7" and one["cmd+args"] == f"{program} idle" and "cpu usage (10.0 ms)" in one, one)


def agentless():
    """Seen by what its file says."""
    with Target(program, "idle", GOR_DEBUG="agent=0") as t:
        check(re.search(rf"^ *{t.pid} +\d+ test_inspect_pr +0\.1\.0 +- +- ", run(t, "ps"), re.M), "without an agent")


def stack(t):
    whole = run(t, "stack", t.pid)
    check(len(BLOCK.findall(whole)) == 7, whole)
    for options, count in ((["--state", "chan receive"], 3), (["--state", "sleep"], 1), (["-g", 3], 1),
                           (["--state", "sleep", "-g", 3], 0), (["--min-wait", "1h"], 0)):
        text = run(t, "stack", *options, t.pid)
        check(len(BLOCK.findall(text)) == count, f"{options}: {text}")
    until(lambda text: len(BLOCK.findall(text)) == 7, lambda: run(t, "stack", "--min-wait", "1ms", t.pid),
          "all have waited")
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
    until(lambda row: row[1:3] == ["7", "7"], lambda: row(t, "top", "-n", 1), "all")  # who answers in time
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
    title, *rows = run(t, "ps").splitlines()
    check(title.split() == "PID PPID NAME * VERSION GOROUTINES BLOCKED CPU% RSS ELAPSED PATH".split(), title)
    check([row for row in rows if re.match(rf" *{t.pid} .* \* 0\.1\.0 +- +- ", row)], f"stopped: still listed: {rows}")
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


def record(t, name):
    """A trace of the program at work, however little of it there is in the first one."""
    for ms in (100 << n for n in range(10)):
        (t.home / name).unlink(missing_ok=True)
        check(run(t, "record", t.pid, "-d", f"{ms}ms", "-o", name) == name + "\n", "its name")
        info = dict(line.split("=", 1) for line in run(t, "info", name).splitlines() if "=" in line)
        if int(info["count.GO_PARK"]) > 20:
            break
    return info


def traces():
    """Recorded in the middle: twice, while it works."""
    with Target(program, "work") as t:
        t.await_agent()
        for name in ("a.gtrace", "b.gtrace"):
            info = record(t, name)
            check((info["lost_events"], info["broken"]) == ("0", "0"), str(info))
            check(int(info["count.GO_STATUS"]) >= 3 and int(info["count.GO_PARK"]) > 20, str(info))
            check("the program stopped recording and went on" in info["ended"], info["ended"])
        one = subprocess.Popen([gtrace, "record", str(t.pid), "-d", "1h"], cwd=t.home, stderr=subprocess.DEVNULL,
                               env=dict(os.environ, XDG_RUNTIME_DIR=str(t.home)))
        until(lambda got: got["recording"], t.stats, "it records")
        check("tracing is already enabled" in run(t, "record", t.pid, "-d", "1ms", status=3), "another one")
        one.kill()
        one.wait()
        until(lambda got: not got["recording"], t.stats, "nobody waits for the recording any more")
        check(run(t, "leaks", t.pid, "-d", "100ms").count("no problems") == 1, "no leaks")


def leaks():
    with Target(program, "leak") as t:
        t.settle()
        text = run(t, "leaks", t.pid, "-d", "200ms", status=0 if sanitized else 1)
        if not sanitized:
            check("4 goroutines blocked for good in chan send" in text, text)


traces()
leaks()
agentless()
with Target(program, "idle") as one:
    one.settle()
    ps(one)
    stack(one)
    numbers(one)
    stale(one)
    troubles(one)
sys.exit(1 if target.failures else 0)
