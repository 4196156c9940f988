#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""readtrace.py PAGE FILE: print a trace as `gtrace dump` does, from docs/trace-format.md alone.

A second reader: where the two differ, that page leaves something open or one of them does not do
what it says.  The lists of events and words come from PAGE; the page's section 5 is order.py.
"""
import re
import subprocess
import sys
from collections import defaultdict, namedtuple
from contextlib import suppress
from ctypes import CDLL, c_size_t, c_uint64
from itertools import accumulate, pairwise
from pathlib import Path
from struct import Struct

from order import Order

M64, FRAME = (1 << 64) - 1, b"\x57\x2a\x4d\x18"
HEADER, BATCH, END, BEGIN, PACKED = range(1, 6)
HEAD = Struct("<4sI4s4HI13Q")  # of a chunk
PAGE, SLOT, CLOCK = Struct("<8sHHIQ8x5I28xI52xII"), Struct("<4s3I6Q"), Struct("<2Q")
COLUMNS, COLUMN = Struct("<10I"), {b"g": 2, b"obj": 3, b"site": 4, b"pc": 5, b"seq": 6}
EVENT_LINE = re.compile(rb"^ *(\d+) +(\w+)((?: +\w+:[^ \n]*){0,16}) *$", re.M)
PARTS = {  # of compound records: each with its share of the arguments
    b"GO_SWITCH": ((b"GO_PARK", 0, 4), (b"GO_START", 4, 6)),
    b"GO_YIELD_TO": ((b"GO_YIELD", 0, 1), (b"GO_START", 1, 3)),
    b"GO_END_TO": ((b"GO_END", 0, 0), (b"GO_START", 0, 2))}
PLAIN = re.compile(rb"[\w!$%&()*+,./;<>?@[\]^{|}~-]*")
ESCAPES = {b"'": rb"\'", b"\\": rb"\\", b"\n": rb"\n"}
XXH64 = CDLL("libxxhash.so.0").XXH64
XXH64.restype = c_uint64

Chunk = namedtuple("Chunk", "at bytes kind generation frame_bytes raw_bytes thread seq first last g"
                            " events lost_events lost_batches ticks mono wall")
Batch = namedtuple("Batch", "generation thread seq first g events lost_events columns")
Side = namedtuple("Side", "keys start last begin batches", defaults=[{}] + [None] * 3 + [[]])
Head = namedtuple("Head", "ticks thread silent name args")  # args: (name, kind, value) of each


class Refused(Exception):
    """No trace, or one of a later version."""


def xxh64(data):
    return XXH64(bytes(data), c_size_t(len(data)), c_uint64(0))


def sound(data, at):
    """The chunk whose header is here, or None."""
    frame, length, magic, major, minor, kind, again, *rest = HEAD.unpack(data[at:at + 128].ljust(128))
    body = data[at + 8:at + 8 + length]
    if ((frame, magic, again) != (FRAME, b"GTRC", length) or not 24 <= length == len(body) <= 4096
            or xxh64(body[:-8]) != int.from_bytes(body[-8:], "little")):
        return None
    if major > 1:
        raise Refused(f"format {major}.{minor} is newer than 1.0, at byte {at}")
    return Chunk(at, 8 + length, kind, *rest) if major and length >= 128 else None


def chunks(data):
    at = data.find(FRAME)
    while at >= 0:
        c, end = sound(data, at), at + 1
        if c:
            yield c
            end = at + c.bytes + c.frame_bytes
            end = end if end == len(data) or sound(data, end) else at + c.bytes
        at = data.find(FRAME, end)


def payload(data, c):
    frame = data[c.at + c.bytes:c.at + c.bytes + c.frame_bytes]
    got = subprocess.run(["zstd", "-dcq"], input=frame, capture_output=True, check=False)
    return got.stdout if (got.returncode, len(frame), len(got.stdout)) == (0, c.frame_bytes, c.raw_bytes) else None


def key_lines(data, c):
    """(key, value) of a text chunk."""
    return re.findall(rb"^(.*?)=(.*)$", (payload(data, c) or b"").split(b"\0")[0], re.M)


def batch(data, c):
    """Its records are read from one column, or from ten if they are packed."""
    raw = payload(data, c)
    columns = raw if raw is None else [raw]
    if columns and c.kind == PACKED:
        ends = [*accumulate(COLUMNS.unpack_from(raw.ljust(40, b"\0")), initial=40)]
        columns = [raw[a:b] for a, b in pairwise(ends)] if ends[-1] == len(raw) else [b"\0"]
    return Batch(c.generation, c.thread, c.seq, c.first, c.g, c.events, c.lost_events, columns)


def sidecar(side):
    """What it says; little if it is none."""
    page, batches = side[:192].ljust(192, b"\0"), []
    magic, major, _, at, number, size, header, count, shift, os, last, ring, begin = PAGE.unpack_from(page)
    if len(side) < 136 or (magic, major) != (b"GTRCLIVE", 1) or at < 136 or not 128 <= header < size <= 1 << 20:
        return Side()
    for slot in (side[i:i + size] for i in range(at, at + size * min(count, 16384), size)):
        magic, state, used, *fields, lost, lost_batches = SLOT.unpack_from(slot.ljust(128, b"\0"))
        raw = slot[header:header + used]
        if magic == b"GTSL" and state in (1, 2) and (used or lost_batches) and len(raw) == used:
            batches.append(Batch(*fields, 0, lost, [raw]))
    start, last, begin = (CLOCK.unpack_from(page, i) for i in (56, 88 + last % 2 * 24, 144 + begin % 2 * 24))
    keys = {b"id": b"%016x" % number, b"tick_shift": shift & 31, b"clock": b"os" if os else b"tsc"}
    return Side(keys, start, last, at >= 192 and ring and begin, batches)


def number(first, rest):
    """A varint, the first byte from one iterator and the others from another."""
    v, shift, byte = 0, 0, next(first)
    while byte > 127 and shift < 63:
        v, shift, byte = v | (byte & 127) << shift, shift + 7, next(rest)
    if byte << shift > M64:
        raise ValueError
    return v | byte << shift


def signed(v):
    return v >> 1 ^ -(v & 1)


def stack(data):
    got, pc, rest = [], 0, iter(data)
    with suppress(StopIteration, ValueError):
        while len(got) < 1024:
            pc = pc + signed(number(rest, rest)) & M64
            got.append(pc)
    return got


class Trace:
    """The header, the batches of each stream by their numbers, and the clocks."""

    def __init__(self, page, data, side):
        found, side = list(chunks(data)), sidecar(side)
        if not any(c.at + c.bytes + c.frame_bytes <= len(data) for c in found):
            raise Refused("not a trace")
        lines, end = ([text for c in found if c.kind == kind and (text := key_lines(data, c))] + [[]]
                      for kind in (HEADER, END))
        keys, end = dict(reversed(lines[0])), dict(end[0]).get(b"end")
        self.lists(page, b"\n".join(v for k, v in lines[0] if k == b"event"))
        side = side if keys.get(b"id") in (None, side.keys.get(b"id")) else Side()
        self.clocks(found, side, keys or side.keys)
        more = next((key_lines(data, c) for c in found if c.kind == BEGIN), [])
        rows = (map(int, v.split()) for k, v in more if k == b"from")  # thread, seq, records
        self.seams = {t: place for t, *place in rows} if self.middle and dict(more).get(b"part") else None
        self.batches, self.sites = defaultdict(dict), defaultdict(list)
        batches = [batch(data, c) for c in found if c.kind in (BATCH, PACKED) and c.thread and c.seq
                   and c.raw_bytes <= 1 << 20 and c.frame_bytes <= 2 << 20]
        for b in sorted(batches, key=lambda b: b.columns is None):  # whole ones come first
            self.batches[b.thread].setdefault(b.seq, b)
        for b in (b for b in side.batches if b.thread and b.seq):
            had = self.batches[b.thread].setdefault(b.seq, b)
            longer = end in (None, b"rotated") and len([r for r in self.records(b) if r]) > had.events
            if had.columns is None or longer and had in batches:  # behind an end nothing counts
                self.batches[b.thread][b.seq] = b

    def clocks(self, found, side, keys):
        """Where it begins, and of each line of time (ticks, ns, rate)."""
        readings = [(c.ticks, c.mono) for c in found] + [side.last] * bool(side.last)
        first = {c.kind: (c.ticks, c.mono) for c in reversed(found)}
        start, begin = first.get(HEADER, side.start), first.get(BEGIN, side.begin)
        self.middle = bool(begin) and (start is None or begin[0] > start[0])
        self.start = start = begin if self.middle else start or readings[0]
        shift, os = int(keys.get(b"tick_shift", 0)), keys.get(b"clock") == b"os"
        kept, hint = [start], int(keys.get(b"ps_per_tick", 10_000))
        for t, m in readings:
            if t > kept[-1][0] and m >= kept[-1][1] + 50_000_000:
                kept.append((t, m))
        kept += [] if kept[1:] else [r for r in readings if r[0] > start[0] and r[1] >= start[1] + 1_000_000][-1:]
        alone = start[0], 0, 1 << 32 + shift if os else min(1 << 62, (hint << 32) // 1000)
        self.clock = [alone] if os else [(t, m - start[1], min(1 << 62, (m1 - m << 32) // (t1 - t)))
                                         for (t, m), (t1, m1) in pairwise(kept)] or [alone]

    def lists(self, page, lines):
        """The page's lists, and what the header's lines say of events."""
        self.words = {
            name: {int(n): text(word.strip(b"-")) for n, word in re.findall(rb"(\d+) `(.*?)`", words)}
            for name, words in re.findall(rb"^- (\w+): (0 `.*)$", page, re.M)}
        self.events = {
            int(n): (name, (args := re.findall(rb"(\w+):(\w+)", rest)), len(args))
            for n, name, rest in re.findall(rb"^\| (\d\d?) \| ([A-Z_]+) \|(.*)\|$", page, re.M)}
        first_of_id = {int(m[0]): m[1:] for m in reversed(EVENT_LINE.findall(lines))}
        for n, (name, rest) in first_of_id.items():
            args = re.findall(rb"(\w+):([^ ]*)", rest)
            ours, had, _ = self.events.get(n, (name, args, 0))
            if 0 < n < 200 and name == ours and all(a[1] == b[1] for a, b in zip(had, args)):
                self.events[n] = name, had + args[len(had):], len(args)

    def time(self, t):
        t0, ns, rate = next((x for x in reversed(self.clock) if x[0] <= t), self.clock[0])
        return max(-4 * 10**18 if self.seams is None else 0, min(4 * 10**18, ns + ((t - t0) * rate >> 32)))

    def records(self, b):
        """(ticks, name, arguments) of each; None at the end if the rest is lost."""
        columns = [iter(c) for c in b.columns or [b"\0"]]
        columns *= 10 // len(columns)
        ticks, last, counts = b.first, dict.fromkeys((b"g", b"obj", b"site", b"pc"), 0), defaultdict(int)
        try:
            for record in columns[0]:
                name, args, count = self.events[record]
                ticks = ticks + number(columns[1], columns[9]) & M64
                values = []
                for arg, kind in args[:count]:
                    v = number(columns[COLUMN.get(kind, 7)], columns[9])
                    if kind in last:
                        v = last[kind] = last[kind] + signed(v) & M64
                    elif kind == b"seq" and v and columns[0] is not columns[1]:
                        s = counts[last[b"g"] % 1024]
                        v = counts[last[b"g"] % 1024] = (s + signed(v) & M64) or s
                    elif kind == b"bytes":
                        v = bytes([next(columns[8]) for _ in range(v)])
                    values.append((arg, kind, signed(v) if kind == b"z" else v))
                values += [(arg, kind, b"" if kind == b"bytes" else 0) for arg, kind in args[count:]]
                yield ticks, name, values
        except (StopIteration, KeyError, ValueError):
            yield None

    def define(self, sites, number, line, op, *texts):
        file, func, what = (text(s.split(b"\0")[0]) for s in texts[:3])
        word = self.words[b"op"].get(op & 0xffffffff, b"%d" % (op & 0xffffffff))
        site = [file, b"%d" % (line & 0xffffffff), func, word, what]
        self.sites[number] += [] if self.sites[number] else site  # who has it already sees it
        self.sites[number] = sites[number] = site

    def heads(self, thread):
        """A stream's heads.  What fills tables is done in passing."""
        batches = sorted(self.batches[thread].items())
        first, old = (self.seams or {}).get(thread, (1, 0))
        expected = batches[0][0] if self.middle and self.seams is None else min(first, batches[0][0])
        ticks, generation, lost = self.start[0], None, True

        def gap(**args):
            return Head(ticks, thread, False, b"GAP", [(n.encode(), b"u", v) for n, v in args.items()])
        for seq, b in batches:
            if seq != expected:
                lost = True
                yield gap(thread=thread, batches=seq - expected, events=b.lost_events)
            told = b"GO_START" if lost and b.columns is not None else None
            yield Head(b.first, thread, True, told, [(b"g", b"g", b.g)])
            expected, ticks, lost = seq + 1, b.first, False
            if b.generation != generation:
                sites, stacks, generation = {}, {}, b.generation
            for count, record in enumerate(self.records(b)):
                if record is None:
                    lost = True
                    yield gap(thread=thread, batches=1, events=max(0, b.events - count))
                    break
                ticks, name, args = record
                if name == b"SITE":
                    self.define(sites, *(v for _, _, v in args))
                elif name == b"STACK_DEF":
                    stacks[args[0][2]] = stack(args[1][2])
                else:
                    early = self.middle and (ticks < self.start[0] if self.seams is None
                                             else seq == first and count < old)
                    args = [(b"pcs", b"stack", stacks.get(v, [])) if n == b"stack" else
                            (n, k, v and (sites.get(v) or self.sites[v]) if k == b"site" else v)
                            for n, k, v in args]
                    for part, a, z in PARTS.get(name, [(name, 0, 16)]):
                        yield Head(b.first if early else ticks, thread, early, part, args[a:z])


def text(s):
    return s if PLAIN.fullmatch(s) else b"'%s'" % re.sub(
        rb"[\0-\x1f\x7f'\\]", lambda m: ESCAPES.get(m[0]) or rb"\x%02x" % ord(m[0]), s)


FORMS = {b"stack": lambda v: b",".join(b"0x%x" % pc for pc in v), b"bytes": text, b"z": lambda v: b"%d" % v,
         b"site": lambda v: b":".join(v) if v != [b"", b"0", b"", b"", b""] else b""}


def value(words, kind, v):
    """Empty if it is not worth saying."""
    if not v and kind != b"seq":
        return b""
    if kind in FORMS:
        return FORMS[kind](v)
    return words.get(kind, {}).get(v) or (b"%d" if v <= 0xffffffff else b"0x%x") % v


def line(trace, s):
    where = b"%d t%d" % (trace.time(s.head.ticks), s.head.thread) + (b" g%d" % s.context if s.context else b"")
    args = ((n, value(trace.words, kind, v)) for n, kind, v in s.head.args[:8])  # as the first
    return b" ".join([where, s.head.name, *(b"%b=%b" % arg for arg in args if arg[1])])


def lines(page, path):
    """All lines of a trace, with what its sidecar has."""
    live = Path(path + ".live")
    side = live.read_bytes() if live.exists() else b""  # before the file
    trace = Trace(Path(page).read_bytes(), Path(path).read_bytes(), side)
    return [line(trace, s) for s in Order(trace)]


if __name__ == "__main__":
    sys.stdout.buffer.write(b"\n".join(lines(*sys.argv[1:]) + [b""]))
