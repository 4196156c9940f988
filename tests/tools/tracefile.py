# SPDX-License-Identifier: MIT
"""tracefile.py: sections 1 to 4, 6 and 7 of docs/trace-format.md: from files to the streams' heads.

The lists of events and of words are read from that page.  Wants the program zstd, and libxxhash.
"""
import re
import subprocess
from collections import defaultdict, namedtuple
from ctypes import CDLL, c_size_t, c_uint64
from fractions import Fraction
from operator import attrgetter
from struct import Struct

M64, FRAME = (1 << 64) - 1, b"\x57\x2a\x4d\x18"
HEADER, BATCH, END, BEGIN = 1, 2, 3, 4
FIRST, REST = Struct("<4sI4s4H"), Struct("<I13Q")  # of a chunk: bytes 0 to 19, and those behind
PAGE, SLOT, CLOCK = Struct("<8sHHIQ8x5I28xI52xII"), Struct("<4s3I6Q"), Struct("<2Q")
EVENT_LINE = re.compile(rb" *(\d+) +(\w+)((?: +\w+:[^ ]*){0,16}) *")
PARTS = {  # of compound records: each with its share of the arguments
    b"GO_SWITCH": ((b"GO_PARK", 0, 4), (b"GO_START", 4, 6)),
    b"GO_YIELD_TO": ((b"GO_YIELD", 0, 1), (b"GO_START", 1, 3)),
    b"GO_END_TO": ((b"GO_END", 0, 0), (b"GO_START", 0, 2))}
XXH64 = CDLL("libxxhash.so.0").XXH64
XXH64.restype = c_uint64

Chunk = namedtuple("Chunk", "at bytes kind generation frame_bytes raw_bytes thread seq first last g"
                            " events lost_events lost_batches ticks mono wall")
Batch = namedtuple("Batch", "generation thread seq first g events lost_events payload")
Side = namedtuple("Side", "id shift os start last begin batches")


class Head(namedtuple("Head", "ticks thread silent name args")):
    """Its arguments are (name, kind, value).  A silent one only sets the context."""
    __slots__ = ()

    def arg(self, name):
        return next((v for n, _, v in self.args if n == name), 0)


class Refused(Exception):
    """No trace, or one of a later version."""


def xxh64(data):
    return XXH64(bytes(data), c_size_t(len(data)), c_uint64(0))


def sound(data, at):
    """The chunk whose header is here, or None."""
    frame, length, magic, major, minor, kind, again = FIRST.unpack(data[at:at + 20].ljust(20))
    body = data[at + 8:at + 8 + length]
    if ((frame, magic, again) != (FRAME, b"GTRC", length) or not 24 <= length == len(body) <= 4096
            or xxh64(body[:-8]) != int.from_bytes(body[-8:], "little")):
        return None
    if major > 1:
        raise Refused(f"format {major}.{minor} is newer than 1.0, at byte {at}")
    known = major and length >= 128
    return Chunk(at, 8 + length, kind, *REST.unpack_from(body, 12)) if known else None


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
    if c.raw_bytes > 16 << 20 or len(frame) < c.frame_bytes:
        return None
    got = subprocess.run(["zstd", "-dcq"], input=frame, capture_output=True, check=False)
    return got.stdout if got.returncode == 0 and len(got.stdout) == c.raw_bytes else None


def sidecar(side):
    """What it says, or None if it is none."""
    page, batches = side[:192].ljust(192, b"\0"), []
    (magic, major, _, at, number, size, header, count, shift, os,
     last, ring, begin) = PAGE.unpack_from(page)
    if (len(side) < 136 or (magic, major) != (b"GTRCLIVE", 1)
            or at < 136 or not 128 <= header < size <= 1 << 20):
        return None
    for slot in (side[i:i + size] for i in range(at, at + size * min(count, 16384), size)):
        magic, state, used, *batch, lost, lost_batches = SLOT.unpack_from(slot.ljust(128, b"\0"))
        raw = slot[header:header + used]
        if magic == b"GTSL" and state in (1, 2) and (used or lost_batches) and len(raw) == used:
            batches.append(Batch(*batch, 0, lost, raw))
    start, last, begin = (CLOCK.unpack_from(page, i)
                          for i in (56, 88 + last % 2 * 24, 144 + begin % 2 * 24))
    begin = begin if at >= 192 and ring else None
    return Side(b"%016x" % number, shift & 31, os != 0, start, last, begin, batches)


def key_lines(data, c):
    """(key, value) of a text chunk."""
    return re.findall(rb"^(.*?)=(.*)$", (payload(data, c) or b"").split(b"\0")[0], re.M)


def seams(lines):
    """thread: (seq, bytes), if it is a file of a recording that rotates."""
    rows = [map(int, v.split()) for k, v in lines if k == b"from"]
    return {t: (seq, size) for t, seq, size in rows} if dict(lines).get(b"part") else None


def clock_lines(start, readings, hint):
    """(ticks, ns, rate) of each line."""
    kept = [start]
    for t, m in readings:
        if t > kept[-1][0] and m >= kept[-1][1] + 50_000_000:
            kept.append((t, m))
    if not kept[1:]:
        kept += [r for r in readings if r[0] > start[0] and r[1] >= start[1] + 1_000_000][-1:]
    hint = Fraction(re.match(rb"(\d{1,7}(\.\d{1,9})?)?", hint)[0].decode() or 0)
    alone = start[0], 0, int((hint if Fraction("0.001") <= hint <= 10**6 else 10) * 2**32)
    return [(t, m - start[1], min(1 << 62, (m1 - m << 32) // (t1 - t)))
            for (t, m), (t1, m1) in zip(kept, kept[1:])] or [alone]


def varint(data, p):
    """(the number at p, the place behind it)"""
    v = shift = 0
    while shift < 70:
        byte = data[p]
        v, shift, p = v | (byte & 127) << shift, shift + 7, p + 1
        if byte < 128 and v <= M64:
            return v, p
    raise IndexError


def pcs(data, otherwise):
    got, p = [0], 0
    try:
        while p < len(data) and len(got) <= 1024:
            v, p = varint(data, p)
            got.append(got[-1] + (v >> 1 ^ -(v & 1)) & M64)
    except IndexError:
        return otherwise
    return got[1:]


class Trace:
    """The header, the batches of each stream by their numbers, and the clocks."""

    def __init__(self, page, data, side):
        found, side = list(chunks(data)), sidecar(side)
        if not any(c.at + c.bytes + c.frame_bytes <= len(data) for c in found):
            raise Refused("not a trace")
        lines, end = ([text for c in found if c.kind == kind and (text := key_lines(data, c))] + [[]]
                      for kind in (HEADER, END))
        lines, end = lines[0], dict(end[0]).get(b"end")
        keys = dict(reversed(lines))
        self.lists(page.encode(), [v for k, v in lines if k == b"event"])
        self.seams, more = None, []
        for c in [c for c in found if c.kind == BEGIN][:1]:
            self.seams = seams(key_lines(data, c))
        batches = [Batch(*attrgetter(*Batch._fields[:-1])(c), payload(data, c)) for c in found if
                   c.kind == BATCH and c.raw_bytes <= 1 << 20 and c.frame_bytes <= 2 << 20]
        readings = [(c.ticks, c.mono) for c in found]
        start, begin = (next((r for r, c in zip(readings, found) if c.kind == kind), None)
                        for kind in (HEADER, BEGIN))
        shift, os = int(keys.get(b"tick_shift", 0)), keys.get(b"clock") == b"os"
        if side and keys.get(b"id", side.id) == side.id:
            more = side.batches
            readings.append(side.last)
            start, begin = start or side.start, begin or side.begin
            shift, os = (shift, os) if keys else (side.shift, side.os)
        self.middle = begin is not None and (start is None or begin[0] > start[0])
        self.start = begin if self.middle else start or readings[0]
        self.clock = ([(self.start[0], 0, 1 << 32 + shift)] if os
                      else clock_lines(self.start, readings, keys.get(b"ns_per_tick", b"")))
        self.batches, self.sites = defaultdict(dict), defaultdict(list)
        for b in sorted(batches, key=lambda b: b.payload is None):  # whole ones come first
            if b.thread and b.seq:
                self.batches[b.thread].setdefault(b.seq, b)
        for b in more:  # behind an end nothing counts
            stream = self.batches[b.thread] if b.thread and b.seq else {b.seq: b}
            had = stream.setdefault(b.seq, b).payload
            if had is None or end in (None, b"rotated") and len(b.payload) > len(had):
                stream[b.seq] = b

    def lists(self, page, lines):
        """The page's lists, and what the header's lines say of events."""
        self.words = {
            name: {int(n): word.strip(b"-") for n, word in re.findall(rb"(\d+) `(.*?)`", words)}
            for name, words in re.findall(rb"^- (\w+): (0 `.*)$", page, re.M)}
        self.events = {}
        for n, name, args in re.findall(rb"^\| (\d\d?) \| ([A-Z_]+) \|(.*)\|$", page, re.M):
            args = re.findall(rb"(\w+):(\w+)", args)
            self.events[int(n)] = name, args, len(args)
        matches = [m for m in map(EVENT_LINE.fullmatch, lines) if m]
        for n, m in {int(m[1]): m for m in reversed(matches)}.items():  # the first of an ID
            args = re.findall(rb"(\w+):([^ ]*)", m[3])
            name, had, _ = self.events.get(n, (m[2], args, 0))
            if 0 < n < 200 and name == m[2] and all(a[1] == b[1] for a, b in zip(had, args)):
                self.events[n] = name, had + args[len(had):], len(args)

    def time(self, t):
        t0, ns, rate = next((x for x in reversed(self.clock) if x[0] <= t), self.clock[0])
        return max(-4 * 10**18 if self.seams is None else 0, min(4 * 10**18, ns + ((t - t0) * rate >> 32)))

    def records(self, batch):
        """(ticks, name, arguments, end) of each; None at the end if the rest is lost."""
        data, ticks, p = b"\0" if batch.payload is None else batch.payload, batch.first, 0
        last = {b"g": 0, b"obj": 0, b"site": 0, b"pc": 0}
        try:
            while p < len(data):
                name, args, count = self.events[data[p]]
                (delta, p), values = varint(data, p + 1), []
                for i, (arg, kind) in enumerate(args):
                    v, p = varint(data, p) if i < count else (0, p)
                    if kind in last and i < count:
                        v = last[kind] = last[kind] + (v >> 1 ^ -(v & 1)) & M64
                    if kind == b"bytes":
                        v, p = data[p:p + v], p + v
                    values.append((arg, kind, v >> 1 ^ -(v & 1) if kind == b"z" else v))
                if p > len(data):
                    raise IndexError
                ticks = ticks + delta & M64
                yield ticks, name, values, p
        except (IndexError, KeyError):
            yield None

    def define(self, sites, number, line, op, *texts):
        file, func, text = (s.split(b"\0")[0] for s in texts[:3])
        word = self.words[b"op"].get(op & 0xffffffff, b"%d" % (op & 0xffffffff))
        site = [file, b"%d" % (line & 0xffffffff), func, word, text]
        self.sites[number] += [] if self.sites[number] else site  # who has it already sees it
        self.sites[number] = sites[number] = site

    def heads(self, thread):
        """A stream's heads.  What fills tables is done in passing."""
        batches = sorted(self.batches[thread].items())
        first, old = (self.seams or {}).get(thread, (1, 0)) if self.middle else (1, 0)
        exact = self.seams is not None or not self.middle
        expected = min(first, batches[0][0]) if exact else batches[0][0]
        ticks, generation, lost = self.start[0], None, True

        def gap(*values):
            args = zip((b"thread", b"batches", b"events"), (b"u",) * 3, (thread, *values))
            return Head(ticks, thread, False, b"GAP", list(args))
        for seq, b in batches:
            if seq != expected:
                lost = True
                yield gap(seq - expected, b.lost_events)
            known = lost and b.payload is not None
            yield Head(b.first, thread, True, b"GO_START" if known else None, [(b"g", b"g", b.g)])
            expected, ticks, lost = seq + 1, b.first, False
            if b.generation != generation:
                sites, stacks, generation = {}, {}, b.generation
            for count, record in enumerate(self.records(b)):
                if record is None:
                    lost = True
                    yield gap(1, max(0, b.events - count))
                    break
                ticks, name, args, end = record
                if name == b"SITE":
                    self.define(sites, *(v for _, _, v in args))
                elif name == b"STACK_DEF":
                    stacks[args[0][2]] = pcs(args[1][2], stacks.get(args[0][2], []))
                else:
                    early = self.middle and (ticks < self.start[0] if self.seams is None
                                             else seq == first and end <= old)
                    args = [(b"pcs", b"stack", stacks.get(v, [])) if n == b"stack" else
                            (n, k, v and (sites.get(v) or self.sites[v]) if k == b"site" else v)
                            for n, k, v in args]
                    for part, a, z in PARTS.get(name, [(name, 0, 16)]):
                        yield Head(b.first if early else ticks, thread, early, part, args[a:z])
