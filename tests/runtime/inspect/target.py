# SPDX-License-Identifier: MIT
"""target.py: the program that is looked into, its sockets, and requests to them."""
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time

PATIENCE = 90  # seconds until a state that does not come is told, before ctest ends the test without a word
SETTLED = {  # where the goroutines of a mode of program.c get to, for good
    "idle": {"chan receive": 3, "sync.Mutex.Lock": 2, "sleep": 1, "IO wait": 1},
    "leak": {"chan send": 4, "IO wait": 1},
    "stuck": {"running": 2},
}
failures = 0


def check(good, what):
    global failures
    if not good:
        failures += 1
        print("FAILED:", what, flush=True)


def until(good, ask, what):
    """Ask until the answer is good.  Returns the last one."""
    begun = time.monotonic()
    while not good(answer := ask()):
        if time.monotonic() - begun > PATIENCE:
            check(False, f"{what}: never came, but {answer}")
            break
        os.sched_yield()
    return answer


class Target:
    """A run of program.c.  Ends with the block it is made for."""

    def __init__(self, program, mode, address=None, **env):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="gor-inspect."))
        env = {**os.environ, "XDG_RUNTIME_DIR": str(self.home), "GOR_MAXPROCS": "2", **env}
        self.process = subprocess.Popen([program, mode] + ([address] if address else []), env=env,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid, self.mode = self.process.pid, mode
        self.port = int(self.process.stdout.readline())
        assert self.process.stdout.readline() == "ready\n"
        self.socket = self.home / "gtrace" / f"{self.pid}.sock"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()  # if it has not ended
        with self.process:  # closes its ends
            pass
        shutil.rmtree(self.home, ignore_errors=True)

    def end(self):
        """Its exit status, after a clean end."""
        self.process.stdin.close()
        return self.process.wait()

    def await_agent(self):
        """The agent opens its socket while the program goes on."""
        while self.process.poll() is None:
            try:
                self.connect(unix=True).close()
                return self
            except OSError:
                os.sched_yield()
        raise EOFError("the program has ended")

    def stats(self):
        return json.loads(self.get("/debug/gtrace/stats", unix=True)[2])

    def settle(self):
        """The agent is there, and each goroutine where it gets to, its stack as well."""
        self.await_agent()
        states = SETTLED[self.mode]
        until(lambda got: got["states"] == states, self.stats, f"{self.mode}: goroutines in {states}")
        if "running" not in states:
            until(lambda got: got == sorted(states.values(), reverse=True), self.equal_stacks, f"{self.mode}: stacks")
        return self

    def equal_stacks(self):
        """How many goroutines have each stack."""
        text = self.get("/debug/pprof/goroutine?debug=1", unix=True)[2].decode()
        return [int(n) for n in re.findall(r"^(\d+) @", text, re.M)]

    def connect(self, unix=False):
        s = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
        s.settimeout(60)
        s.connect(str(self.socket) if unix else ("127.0.0.1", self.port))
        return s

    def get(self, path, method="GET", unix=False, **headers):
        """Status, headers, body."""
        c = http.client.HTTPConnection("localhost", self.port, timeout=60)
        if unix:
            c.sock = self.connect(unix=True)
        c.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        r = c.getresponse()
        body = r.read()
        c.close()
        return r.status, r.headers, body

    def raw(self, data, unix=False):
        """All that comes back."""
        with self.connect(unix) as s:
            answer = b""
            try:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # it was answered, and closed, in the middle
            try:
                while more := s.recv(65536):
                    answer += more
            except (ConnectionError, BrokenPipeError):
                pass
            return answer
