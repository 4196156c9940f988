# SPDX-License-Identifier: MIT
"""target.py: the program that is looked into, its sockets, and requests to them."""
import http.client
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

failures = 0


def check(good, what):
    global failures
    if not good:
        failures += 1
        print("FAILED:", what, flush=True)


class Target:
    """A run of program.c.  Ends with the block it is made for."""

    def __init__(self, program, mode, address=None, uid=None, **env):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="gor-inspect."))
        env = dict(os.environ, XDG_RUNTIME_DIR=str(self.home), GOR_MAXPROCS="2", **env)
        self.process = subprocess.Popen([program, mode] + ([address] if address else []), env=env,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self.process.pid
        self.port = int(self.process.stdout.readline())
        assert self.process.stdout.readline() == "ready\n"
        self.socket = self.home / "gtrace" / f"{self.pid}.sock"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()
        shutil.rmtree(self.home, ignore_errors=True)

    def end(self):
        """Its exit status, after a clean end if it can come to one."""
        if not self.process.stdin.closed:
            self.process.stdin.close()
        try:
            return self.process.wait(2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def await_agent(self):
        """The agent opens its socket while the program goes on."""
        while self.process.poll() is None:
            try:
                with socket.socket(socket.AF_UNIX) as s:
                    s.connect(str(self.socket))
                return self
            except OSError:
                os.sched_yield()
        raise EOFError("the program has ended")

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
