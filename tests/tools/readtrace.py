#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""readtrace.py PAGE FILE: print a trace as `gtrace dump` does, from docs/trace-format.md alone.

A second reader, which shares no line with the first: where the two differ, the page leaves
something open or one of them does not do what it says.  PAGE is that page.
"""
import re
import sys
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

from tracefile import Refused, Trace

PLAIN = re.compile(rb"[\w!$%&()*+,./;<>?@[\]^{|}~-]*")
ESCAPES = {b"'": rb"\'", b"\\": rb"\\", b"\n": rb"\n"}
COUNTED = {b"GO_START", b"GO_WAKE", b"GO_WAKE_BY"}
MOVES = {b"GO_START": ("runnable", "running"), b"GO_WAKE": ("waiting", "runnable"),
         b"GO_WAKE_BY": ("waiting", "runnable"), b"GO_PARK": ("running", "waiting"),
         b"GO_YIELD": ("running", "runnable"), b"GO_END": ("running", "ended")}


class Order:
    """Section 5: the heads of all streams in an order that could have happened."""

    def __init__(self, trace):
        self.trace, self.let_through, self.broken = trace, 0, trace.middle
        self.gaps = {0} if trace.middle else set()  # which streams are in one; 0: the beginning
        self.met = defaultdict(lambda: SimpleNamespace(state="unborn", count=0, unsure=True))
        self.streams = [SimpleNamespace(heads=heads, head=next(heads), context=0, since=None)
                        for heads in map(trace.heads, trace.batches)]

    def fits(self, head):
        if head.silent or head.name not in COUNTED or self.gaps:
            return True
        number, seq = head.arg(b"g"), head.arg(b"seq")
        if not number or not seq or number not in self.met:
            return not number or not seq or self.trace.middle and seq != 1
        g, needed = self.met[number], MOVES[head.name][0]
        return g.unsure or seq <= g.count or (g.state, g.count + 1) == (needed, seq)

    def impatient(self, s, ns):
        late = ns - self.trace.time(s.head.ticks)
        return (late > 2_000_000_000 and self.let_through - s.since > 100_000
                or late > 1_000_000 and self.broken and s.head.arg(b"g") not in self.met)

    def choose(self):
        """(the stream whose head is next, whether it is forced)"""
        waiting = []
        for s in sorted(self.streams, key=lambda s: s.head[:2]):
            if self.fits(s.head):
                ns = self.trace.time(s.head.ticks)
                found = (w for w in waiting if not s.head.silent and self.impatient(w, ns))
                first = next(found, s)
                return first, first is not s
            s.since = self.let_through if s.since is None else s.since
            waiting.append(s)
        return min(waiting, key=lambda s: self.trace.middle and s.head.arg(b"g") in self.met), True

    def __iter__(self):
        """The streams, each with the head that is next and its context."""
        while self.streams:
            s, forced = self.choose()
            if not s.head.silent:
                yield s
                self.let_through += 1
                self.move(s.head, s.context, forced)
            if s.head.name in MOVES and s.head.name not in (b"GO_WAKE", b"GO_WAKE_BY"):
                s.context = s.head.arg(b"g") if s.head.name == b"GO_START" else 0
            thread, s.head, s.since = s.head.thread, next(s.heads, None), None
            if not s.head:
                self.streams.remove(s)
                self.gaps.discard(thread)

    def move(self, head, context, forced):
        number, seq, counted = head.arg(b"g"), head.arg(b"seq"), head.name in COUNTED
        begun = 0 in self.gaps and self.trace.time(head.ticks) >= 1_000_000
        over = {head.thread, 0} if begun else {head.thread}
        if head.name == b"GAP" or self.gaps & over:
            for g in self.met.values():
                g.unsure = True
        self.gaps -= over
        if head.name == b"GAP":
            self.gaps.add(head.thread)
            self.broken = True
        if head.name == b"GO_NEW" and number and number not in self.met:
            self.met[number].state, self.met[number].unsure = "runnable", False
        if head.name in MOVES and (number if counted else context):
            g, (needed, becomes) = self.met[number if counted else context], MOVES[head.name]
            if counted and 0 < seq <= g.count:
                g.unsure = True
                return
            g.unsure = (forced or self.trace.middle and g.state == "unborn" or not (counted and seq)
                        and (g.unsure or g.state != needed or counted and bool(self.gaps)))
            g.count, g.state = seq or g.count + 1 if counted else g.count, becomes
        if head.name == b"GO_END":
            self.met.pop(context, None)


def text(s):
    def escape(m):
        return ESCAPES.get(m[0]) or rb"\x%02x" % ord(m[0])
    return s if PLAIN.fullmatch(s) else b"'%s'" % re.sub(rb"[\0-\x1f\x7f'\\]", escape, s)


def value(words, kind, v):
    """Empty if it is not worth saying."""
    if kind == b"stack":
        return b",".join(b"0x%x" % pc for pc in v)
    if not v and kind != b"seq":
        return b""
    if kind == b"site":
        return b":".join(map(text, v)) if v != [b"", b"0", b"", b"", b""] else b""
    if kind == b"bytes" or v in words.get(kind, {}):
        return text(v if kind == b"bytes" else words[kind][v])
    return b"%d" % v if kind == b"z" or v <= 0xffffffff else b"0x%x" % v


def line(trace, s):
    where = [b"%d t%d" % (trace.time(s.head.ticks), s.head.thread)]
    context = [b"g%d" % s.context] if s.context else []
    args = [(n, value(trace.words, kind, v)) for n, kind, v in s.head.args[:8]]  # as the first
    return b" ".join(where + context + [s.head.name] + [b"%b=%b" % arg for arg in args if arg[1]])


if __name__ == "__main__":
    live = Path(sys.argv[2] + ".live")
    side = live.read_bytes() if live.exists() else b""  # before the file
    try:
        trace = Trace(Path(sys.argv[1]).read_text("utf-8"), Path(sys.argv[2]).read_bytes(), side)
    except Refused as why:
        sys.exit(f"cannot read '{sys.argv[2]}': {why}")
    for s in Order(trace):
        sys.stdout.buffer.write(line(trace, s) + b"\n")
