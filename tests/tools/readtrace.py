#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""readtrace.py PAGE FILE: print a trace as `gtrace dump` does, from docs/trace-format.md alone.

A second reader, which shares no line with the first: where the two differ, the page leaves something
open or one of them does not do what it says.  PAGE is that page.
"""
import sys

from tracefile import Refused, Trace

PLAIN = set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!$%&()*+,-./;<>?@[]^_{|}~")
ESCAPES = {ord("'"): b"\\'", ord("\\"): b"\\\\", 10: b"\\n"}


class Goroutine:
    """One that was met."""

    def __init__(self, state="unborn", unsure=True):
        self.state, self.count, self.unsure = state, 0, unsure


class Stream:
    def __init__(self, thread, heads):
        self.thread, self.heads, self.head, self.context = thread, heads, next(heads), 0
        self.waits_since, self.in_gap = None, False

    def place(self):
        return self.head.ticks, self.thread

    def arg(self, name):
        return next((v for n, _, v in self.head.args if n == name), 0)

    def step(self):
        self.head, self.waits_since = next(self.heads, None), None


class Order:
    """Section 5: the heads of all streams in an order that could have happened."""
    NEEDS = {b"GO_START": "runnable", b"GO_WAKE": "waiting", b"GO_WAKE_BY": "waiting"}
    STOPS = {b"GO_PARK": "waiting", b"GO_YIELD": "runnable", b"GO_END": "ended"}

    def __init__(self, trace):
        self.trace, self.met, self.let_through, self.gaps, self.beginning = trace, {}, 0, 0, trace.middle
        self.streams = [Stream(t, trace.heads(t)) for t in trace.batches]

    def in_gap(self):
        return self.beginning or any(x.in_gap for x in self.streams)

    def fits(self, s):
        g, seq = s.arg(b"g"), s.arg(b"seq")
        if s.head.name not in self.NEEDS or not g or not seq or self.in_gap():
            return True
        if g not in self.met:
            return self.trace.middle and seq != 1
        g = self.met[g]
        return g.unsure or seq <= g.count or g.state == self.NEEDS[s.head.name] and seq == g.count + 1

    def impatient(self, s, ns):
        late = ns - self.trace.time(s.head.ticks)
        return (late > 2_000_000_000 and self.let_through - s.waits_since > 100_000
                or late > 1_000_000 and (self.gaps > 0 or self.trace.middle) and s.arg(b"g") not in self.met)

    def choose(self):
        """(the stream whose head is next, whether it is forced)"""
        waiting = []
        for s in sorted(self.streams, key=Stream.place):
            if not self.fits(s):
                s.waits_since = self.let_through if s.waits_since is None else s.waits_since
                waiting.append(s)
                continue
            ns = self.trace.time(s.head.ticks)
            forced = next((w for w in waiting if s.head.name and self.impatient(w, ns)), None)
            return forced or s, forced is not None
        unmet = [w for w in waiting if self.trace.middle and w.arg(b"g") not in self.met]
        return (unmet or waiting)[0], True

    def __iter__(self):
        """(stream, head's context), in order."""
        while self.streams:
            s, forced = self.choose()
            if s.head.name:
                yield s
                self.let_through += 1
                self.move(s, forced)
            elif s.head.context is not None:
                s.context = s.head.context
            s.step()
            self.streams = [x for x in self.streams if x.head]

    def move(self, s, forced):
        begun = self.beginning and self.trace.time(s.head.ticks) >= 1_000_000
        self.beginning = self.beginning and not begun
        if s.head.name == b"GAP" or s.in_gap or begun:
            for g in self.met.values():
                g.unsure = True
        s.in_gap = s.head.name == b"GAP"
        self.gaps += s.in_gap
        if s.head.name == b"GO_NEW" and s.arg(b"g"):
            self.met.setdefault(s.arg(b"g"), Goroutine("runnable", False))
        if s.head.name in self.NEEDS and s.arg(b"g"):
            self.moved(s, s.arg(b"g"), s.arg(b"seq"), forced)
        if s.head.name == b"GO_START":
            s.context = s.arg(b"g")
        if s.head.name in self.STOPS:
            self.stopped(s)

    def moved(self, s, number, seq, forced):
        known, g = number in self.met, self.met.setdefault(number, Goroutine())
        if known and seq and seq <= g.count:
            g.unsure = True
            return
        unsure = g.unsure or self.in_gap()
        g.unsure = forced or not known and self.trace.middle or not seq and (unsure or g.state != self.NEEDS[s.head.name])
        g.count = seq or g.count + 1
        g.state = "running" if s.head.name == b"GO_START" else "runnable"

    def stopped(self, s):
        if s.context:
            g = self.met.setdefault(s.context, Goroutine())
            g.unsure = g.unsure or g.state != "running"
            g.state = self.STOPS[s.head.name]
        if s.head.name == b"GO_END":
            self.met.pop(s.context, None)
        s.context = 0


def text(s):
    if PLAIN.issuperset(s):
        return s
    return b"'%s'" % b"".join(ESCAPES.get(b) or (b"\\x%02x" % b if b < 32 or b == 127 else bytes([b])) for b in s)


def value(words, kind, v):
    """None if it is not worth saying."""
    if kind == b"stack":
        return b",".join(b"0x%x" % pc for pc in v) or None
    if not v and kind != b"seq":
        return None
    if kind == b"bytes":
        return text(v)
    if kind == b"site":
        if not any(v[k] for k in (b"file", b"line", b"func", b"op", b"text")):
            return None
        op = words[b"op"].get(v[b"op"], b"%d" % v[b"op"])
        return b":".join([text(v[b"file"]), b"%d" % v[b"line"], text(v[b"func"]), text(op), text(v[b"text"])])
    word = words.get(kind, {}).get(v)
    if word is not None:
        return text(word)
    return b"%d" % v if kind == b"z" or v <= 0xffffffff else b"0x%x" % v


def line(trace, s):
    ns = trace.time(s.head.ticks)
    words = [b"%d t%d" % (ns if trace.seams is None else max(0, ns), s.thread)]
    words += [b"g%d" % s.context] if s.context else []
    words += [s.head.name]
    for name, kind, v in s.head.args[:8]:  # as the other reader
        shown = value(trace.words, kind, v)
        words += [name + b"=" + shown] if shown is not None else []
    return b" ".join(words)


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        page = f.read()
    try:  # before the file
        with open(sys.argv[2] + ".live", "rb") as f:
            side = f.read()
    except OSError:
        side = b""
    with open(sys.argv[2], "rb") as f:
        data = f.read()
    trace = Trace(page, data, side)
    for s in Order(trace):
        sys.stdout.buffer.write(line(trace, s) + b"\n")


if __name__ == "__main__":
    try:
        main()
    except Refused as why:
        sys.exit(f"cannot read '{sys.argv[2]}': {why}")
