#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A trace that takes long: how far the analysis is, and what Ctrl-C leaves of it.

usage: long.py GTRACE MIX
"""
import json
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile

gtrace, mix = (os.path.abspath(word) for word in sys.argv[1:3])


def on_terminal(words, at=None, signo=None):
    """Run with a terminal as stderr, and send signo when it shows `at`: (status, stdout, stderr)."""
    master, slave = pty.openpty()
    with open("stdout", "wb") as out:
        child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=slave)
    os.close(slave)
    seen = b""
    while True:
        try:
            more = os.read(master, 4096)
        except OSError:  # the other end is closed
            break
        if not more:
            break
        seen += more
        if at and at in seen:
            child.send_signal(signo)
            at = None
    os.close(master)
    status = child.wait()
    with open("stdout", encoding="utf-8") as out:
        return status, out.read(), seen.decode()


def require(what, seen):
    if not what:
        raise AssertionError(seen)


def interrupted(events):
    """Look what interrupted reading leaves; False: so many events are read too soon."""
    if os.path.exists("big.gtrace"):
        os.remove("big.gtrace")
    subprocess.run([mix, str(events)], check=True, env=dict(os.environ, GTRACE="big.gtrace"))
    words = [gtrace, "analyze", "--no-plots", "big.gtrace"]
    status, out, err = on_terminal(words, b"reading", signal.SIGINT)
    if "reading" not in err:
        require(status == 0, err)
        return False
    if "reading was interrupted" not in out:
        return False  # the signal came behind the last event
    require(status == 130, err)
    require("interrupted: this is the report of what was read" in err, err)
    require(re.search(r"reading, \d+ %, \d+ of \d+ MB, [\d.]+ M events/s, \d+:\d\d left", err), err)
    with open("big.report/report.json", encoding="utf-8") as f:
        part = json.load(f)["trace"]
    require(part["partial"] is True, part)

    # Such results are not those of the trace: the next time all is read.
    status, out, err = on_terminal(words)
    require(status == 0, err)
    require("already" not in err, err)
    require(err.endswith("\r\033[K"), err)  # nothing of the line is left
    with open("big.report/report.json", encoding="utf-8") as f:
        whole = json.load(f)["trace"]
    require(whole["partial"] is False and whole["events"] > part["events"], (part, whole))

    # But those hold; and who is no terminal is not told how far it is.
    status, out, err = on_terminal(words)
    require(status == 0 and "has the results of this very trace already" in err, err)
    quiet = subprocess.run(words + ["--fresh"], capture_output=True, check=True)
    require(quiet.stderr == b"", quiet.stderr)
    status, out, err = on_terminal(words + ["--fresh", "--quiet"])
    require(status == 0 and err == "", err)
    return True


with tempfile.TemporaryDirectory(dir=".") as work:
    os.chdir(work)
    count = 500000
    while not interrupted(count):
        count *= 2
        require(count < 10**8, "no analysis takes long here")
    os.chdir("..")
