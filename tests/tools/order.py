# SPDX-License-Identifier: MIT
"""order.py: section 5 of docs/trace-format.md: the heads of all streams in an order that could have happened."""
from collections import defaultdict
from types import SimpleNamespace

COUNTED = {b"GO_START", b"GO_WAKE", b"GO_WAKE_BY"}
MOVES = {b"GO_START": ("runnable", "running"), b"GO_WAKE": ("waiting", "runnable"),
         b"GO_WAKE_BY": ("waiting", "runnable"), b"GO_PARK": ("running", "waiting"),
         b"GO_YIELD": ("running", "runnable"), b"GO_END": ("running", "ended")}


def arg(head, name):
    return next((v for n, _, v in head.args if n == name), 0)


class Order:
    def __init__(self, trace):
        self.trace, self.let_through, self.broken = trace, 0, trace.middle
        self.gaps = {0} if trace.middle else set()  # which streams are in one; 0: the beginning
        self.met = defaultdict(lambda: SimpleNamespace(state="unborn", count=0, unsure=True))
        self.streams = [SimpleNamespace(heads=heads, head=next(heads), context=0, since=None)
                        for heads in map(trace.heads, trace.batches)]

    def fits(self, head):
        if head.silent or head.name not in COUNTED or self.gaps:
            return True
        number, seq = arg(head, b"g"), arg(head, b"seq")
        if not number or not seq or number not in self.met:
            return not number or not seq or self.trace.middle and seq != 1
        g, needed = self.met[number], MOVES[head.name][0]
        return g.unsure or seq <= g.count or (g.state, g.count + 1) == (needed, seq)

    def impatient(self, s, ns):
        late = ns - self.trace.time(s.head.ticks)
        return (late > 2_000_000_000 and self.let_through - s.since > 100_000
                or late > 1_000_000 and self.broken and arg(s.head, b"g") not in self.met)

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
        return min(waiting, key=lambda s: self.trace.middle and arg(s.head, b"g") in self.met), True

    def __iter__(self):
        """The streams, each with the head that is next and its context."""
        while self.streams:
            s, forced = self.choose()
            if not s.head.silent:
                yield s
                self.let_through += 1
                self.move(s.head, s.context, forced)
            if s.head.name in MOVES and s.head.name not in (b"GO_WAKE", b"GO_WAKE_BY"):
                s.context = arg(s.head, b"g") if s.head.name == b"GO_START" else 0
            thread, s.head, s.since = s.head.thread, next(s.heads, None), None
            if not s.head:
                self.streams.remove(s)
                self.gaps.discard(thread)

    def move(self, head, context, forced):
        number, seq, counted = arg(head, b"g"), arg(head, b"seq"), head.name in COUNTED
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
