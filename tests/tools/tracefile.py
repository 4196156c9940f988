# SPDX-License-Identifier: MIT
"""tracefile.py: sections 1 to 4, 6 and 7 of docs/trace-format.md: from files to the streams' heads.

The lists of events and of words are read from that page.  Wants the program zstd.
"""
import re
import struct
import subprocess
from collections import namedtuple
from fractions import Fraction

M64 = (1 << 64) - 1
FAR = 4 * 10**18
HEADER, BATCH, END, BEGIN = 1, 2, 3, 4
RAW_MAX = {HEADER: 16 << 20, BATCH: 1 << 20, END: 16 << 20, BEGIN: 16 << 20}

Chunk = namedtuple("Chunk", "at bytes kind generation frame_bytes raw_bytes thread seq first last g"
                            " events lost_events lost_batches ticks mono wall")
Batch = namedtuple("Batch", "generation thread seq first g events lost_events payload")
Head = namedtuple("Head", "ticks name args context")  # name None: a batch to be read; args: (name, kind, value)


class Refused(Exception):
    """No trace, or one of a later version."""


def xxh64(data):
    p1, p2, p3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
    p4, p5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5

    def turn(x, n):
        return (x << n | x >> 64 - n) & M64

    def mix(acc, lane):
        return turn(acc + lane * p2 & M64, 31) * p1 & M64
    acc, whole = [p1 + p2 & M64, p2, 0, -p1 & M64], len(data) & ~31
    for i, (lane,) in enumerate(struct.iter_unpack("<Q", data[:whole])):
        acc[i % 4] = mix(acc[i % 4], lane)
    h = sum(turn(a, n) for a, n in zip(acc, (1, 7, 12, 18))) & M64 if whole else p5
    for a in acc if whole else []:
        h = ((h ^ mix(0, a)) * p1 + p4) & M64
    h, eights = h + len(data) & M64, len(data) & ~7
    for lane, in struct.iter_unpack("<Q", data[whole:eights]):
        h = (turn(h ^ mix(0, lane), 27) * p1 + p4) & M64
    rest = data[eights:]
    if len(rest) >= 4:
        h = (turn(h ^ struct.unpack_from("<I", rest)[0] * p1 & M64, 23) * p2 + p3) & M64
    for byte in rest[len(rest) & 4:]:
        h = turn(h ^ byte * p5 & M64, 11) * p1 & M64
    h = (h ^ h >> 33) * p2 & M64
    h = (h ^ h >> 29) * p3 & M64
    return h ^ h >> 32


# ── the page ──

def page_events(page):
    table = page.split("<!-- events -->")[1].split("<!-- end of events -->")[0]
    return {int(n): (name.encode(), [tuple(a.encode().split(b":")) for a in re.findall(r"\w+:\w+", args)], [])
            for n, name, args in re.findall(r"^\| (\d+) \| (\w+) \|(.*)\|$", table, re.M)}


def page_words(page):
    lists = page.split("<!-- names -->")[1].split("<!-- end of names -->")[0]
    return {name.encode(): {int(n): b"" if word == "-" else word.encode()
                            for n, word in re.findall(r"(\d+) `(.*?)`", words)}
            for name, words in re.findall(r"^- (\w+): (.*)$", lists, re.M)}


# ── chunks and slots ──

def sound(data, at):
    """The chunk whose header is here, or None."""
    if data[at:at + 4] != b"\x57\x2a\x4d\x18" or data[at + 8:at + 12] != b"GTRC" or at + 20 > len(data):
        return None
    length, _, major, minor, kind, again = struct.unpack_from("<I4s4H", data, at + 4)
    body = data[at + 8:at + 8 + length]
    if not 24 <= length <= 4096 or length != again or len(body) < length:
        return None
    if xxh64(body[:-8]) != int.from_bytes(body[-8:], "little"):
        return None
    if major > 1:
        raise Refused(f"format {major}.{minor} is newer than 1.0, at byte {at}")
    if major < 1 or length < 128:
        return None
    return Chunk(at, 8 + length, kind, *struct.unpack_from("<I13Q", body, 12))


def chunks(data):
    at = 0
    while 0 <= at < len(data):
        c = sound(data, at)
        if c is None:
            at = data.find(b"\x57\x2a\x4d\x18", at + 1)
            continue
        yield c
        end = at + c.bytes + c.frame_bytes
        at = end if end == len(data) or sound(data, end) else at + c.bytes


def payload(data, c):
    frame = data[c.at + c.bytes:][:c.frame_bytes]
    if c.raw_bytes > RAW_MAX.get(c.kind, -1) or len(frame) < c.frame_bytes:
        return None
    got = subprocess.run(["zstd", "-dcq"], input=frame, capture_output=True, check=False)
    return got.stdout if got.returncode == 0 and len(got.stdout) == c.raw_bytes else None


def page_sound(side):
    start, = struct.unpack_from("<I", side, 12)
    size, header = struct.unpack_from("<2I", side, 32)
    return start >= 136 and 128 <= header < size <= 1 << 20


def slots(side):
    start, = struct.unpack_from("<I", side, 12)
    size, header, count = struct.unpack_from("<3I", side, 32)
    for at in range(start, start + size * min(count, 16384), size):
        slot = side[at:at + size].ljust(128, b"\0")
        magic, state, used, *b, lost_events, lost_batches = struct.unpack_from("<4s3I6Q", slot)
        raw = slot[header:header + used]
        if magic == b"GTSL" and state in (1, 2) and b[1] and b[2] and (used or lost_batches) and len(raw) == used:
            yield Batch(*b, 0, lost_events, raw)


class Trace:
    """The header, the batches of each stream by their numbers, and the clocks."""

    def __init__(self, page, data, side):
        self.events, self.words = page_events(page), page_words(page)
        self.header, self.batches, self.seams, readings = [], {}, None, []
        start, begin, ended, whole = None, None, None, False
        for c in chunks(data):
            readings.append((c.ticks, c.mono))
            raw, whole = payload(data, c), whole or c.at + c.bytes + c.frame_bytes <= len(data)
            if c.kind == HEADER:
                start = start or readings[-1]
            if c.kind == BEGIN and not begin:
                begin, self.seams = readings[-1], seams(raw)
            if c.kind == END and not ended and raw is not None:
                ended = next((line for line in raw.split(b"\n") if line.startswith(b"end=")), b"end=")
            if c.kind == HEADER and raw is not None and not self.header:
                self.header = [line.split(b"=", 1) for line in raw.split(b"\0")[0].split(b"\n") if b"=" in line]
            if c.kind == BATCH and c.raw_bytes <= 1 << 20 and c.frame_bytes <= 2 << 20:
                self.take(Batch(c.generation, c.thread, c.seq, c.first, c.g, c.events, c.lost_events, raw))
        if not whole:
            raise Refused("not a trace")
        self.shift = int(self.key(b"tick_shift") or 0)
        self.os = self.key(b"clock") == b"os"
        self.cut = ended in (None, b"end=rotated")
        start, begin = self.sidecar(side, start, begin, readings)
        self.middle = begin is not None and (start is None or begin[0] > start[0])
        start = begin if self.middle else start or readings[0]
        self.start, self.lines = start, self.clock(start, readings)
        self.event_lines()
        self.sites = {}  # by number alone

    def key(self, key):
        return next((v for k, v in self.header if k == key), None)

    def take(self, b, longer=False):
        stream = self.batches.setdefault(b.thread, {}) if b.thread and b.seq else {}
        had = stream.get(b.seq)
        if had is None or had.payload is None and b.payload is not None:
            stream[b.seq] = b
        elif longer and len(b.payload) > len(had.payload):
            stream[b.seq] = b

    def sidecar(self, side, start, begin, readings):
        """(the start, where the trace begins), as far as known."""
        if len(side) < 136 or side[:8] != b"GTRCLIVE" or side[8:10] != b"\1\0" or not page_sound(side):
            return start, begin
        if self.key(b"id") not in (None, b"%016x" % struct.unpack_from("<Q", side, 16)):
            return start, begin
        for b in slots(side):
            self.take(b, longer=self.cut)
        readings.append(struct.unpack_from("<2Q", side, 88 + 24 * (side[80] & 1)))
        if not self.header:
            self.shift, self.os = (side[44] & 31), side[48:52] != b"\0\0\0\0"
        start = start or struct.unpack_from("<2Q", side, 56)
        page = side.ljust(192, b"\0")
        ring, index = struct.unpack_from("<2I", page, 136)
        if begin is None and struct.unpack_from("<I", page, 12)[0] >= 192 and ring:
            begin = struct.unpack_from("<2Q", page, 144 + 24 * (index & 1))
        return start, begin

    def event_lines(self):
        mine, seen = dict(self.events), set()
        for words in [v.split(b" ") for k, v in self.header if k == b"event"]:
            words = [w for w in words if w]
            args = [tuple(w.split(b":", 1)) for w in words[2:]]
            n = int(words[0]) if len(words) > 1 and words[0].isdigit() else 0
            if not 1 <= n <= 199 or n in seen or len(args) > 16 or any(len(a) < 2 for a in args):
                continue
            if not all(re.fullmatch(rb"[A-Za-z0-9_]+", name) for name in [words[1]] + [a[0] for a in args]):
                continue
            seen.add(n)
            name, had, _ = mine.get(n, (words[1], args, []))
            if name == words[1] and all(a[1] == b[1] for a, b in zip(had, args)):
                self.events[n] = name, had[:len(args)] + args[len(had):], had[len(args):]

    def clock(self, start, readings):
        """(ticks, ns, rate) of each line."""
        kept = [start]
        for t, m in readings:
            if t > kept[-1][0] and m >= kept[-1][1] + 50_000_000:
                kept.append((t, m))
        if len(kept) == 1:
            kept += [r for r in readings if r[0] > start[0] and r[1] >= start[1] + 1_000_000][-1:]
        hint = re.match(rb"\d{1,7}(\.\d{1,9})?", self.key(b"ns_per_tick") or b"0")
        hint = Fraction(hint[0].decode() if hint else 0)
        alone = int((hint if Fraction("0.001") <= hint <= 10**6 else 10) * 2**32)
        lines = [(t, m - start[1], min(1 << 62, (m1 - m << 32) // (t1 - t)))
                 for (t, m), (t1, m1) in zip(kept, kept[1:])]
        return lines or [(start[0], 0, alone)]

    def time(self, t):
        if self.os:
            ns = t - self.start[0] << self.shift
        else:
            t0, ns, rate = next((x for x in reversed(self.lines) if x[0] <= t), self.lines[0])
            ns += (t - t0) * rate >> 32
        return max(-FAR, min(FAR, ns))

    # ── records ──

    def records(self, batch):
        """(ticks, name, arguments) of each; None at the end if the rest is lost."""
        data, ticks, p, last = batch.payload, batch.first, 0, {b"g": 0, b"obj": 0}
        if data is None:
            yield None
            return

        def varint():
            nonlocal p
            v = shift = 0
            while shift < 70:
                v |= (data[p] & 127) << shift
                p, shift = p + 1, shift + 7
                if data[p - 1] < 128:
                    break
            return v if v <= M64 and data[p - 1] < 128 else data[len(data)]  # IndexError
        try:
            while p < len(data):
                name, args, lacking = self.events[data[p] if data[p] < 200 else -1]
                p, values = p + 1, []
                delta = varint()
                for arg, kind in args:
                    v = varint()
                    if kind in last:
                        v = last[kind] = last[kind] + (v >> 1 ^ -(v & 1)) & M64
                    if kind == b"bytes":
                        v, p = data[p:p + v], p + v
                        data[p - 1]  # is there
                    values.append((arg, kind, v >> 1 ^ -(v & 1) if kind == b"z" else v))
                ticks = ticks + delta & M64
                lacks = [(arg, kind, b"" if kind == b"bytes" else 0) for arg, kind in lacking]
                yield ticks, name, values + lacks, p
        except (IndexError, KeyError):
            yield None

    def define(self, sites, args):
        number = args[b"site"]
        site = {k: v.split(b"\0")[0] if isinstance(v, bytes) else v & 0xffffffff for k, v in args.items()}
        sites[number] = site
        if not self.sites.setdefault(number, {}):
            self.sites[number].update(site)  # those who have it already see it
        self.sites[number] = site

    def resolve(self, sites, stacks, arg):
        name, kind, v = arg
        if kind == b"site":
            return name, kind, sites.get(v) or self.sites.setdefault(v, {}) if v else {}
        return (b"pcs", b"stack", stacks.get(v, [])) if name == b"stack" else arg

    def heads(self, thread):
        """A stream's heads.  What fills tables is done in passing."""
        batches = sorted(self.batches[thread].items())
        seam = (self.seams or {}).get(thread, (1, 0)) if self.middle else (1, 0)
        expected, ticks, generation, lost = seam[0], self.start[0], None, True
        if self.middle:
            expected = batches[0][0] if self.seams is None else min(expected, batches[0][0])
        for _, b in batches:
            if b.seq != expected:
                lost = True
                yield gap(ticks, thread, b.seq - expected, b.lost_events)
            expected, ticks = b.seq + 1, b.first
            old = seam[1] if b.seq == seam[0] else 0  # bytes of it that are an older file's
            yield Head(b.first, None, [], b.g if lost and b.payload is not None else None)
            lost, count = False, 0
            if b.generation != generation:
                sites, stacks, generation = {}, {}, b.generation
            for record in self.records(b):
                if record is None:
                    lost = True
                    yield gap(ticks, thread, 1, max(0, b.events - count))
                    break
                count += 1
                ticks, name, args, end = record
                if name == b"SITE":
                    self.define(sites, {n: v for n, _, v in args})
                elif name == b"STACK_DEF":
                    stacks[args[0][2]] = pcs(args[1][2], stacks.get(args[0][2], []))
                elif self.middle and (end <= old if self.seams is not None else ticks < self.start[0]):
                    yield from (Head(b.first, None, [], g) for g in contexts(parts(name, args)))
                else:
                    for part, some in parts(name, [self.resolve(sites, stacks, a) for a in args]):
                        yield Head(ticks, part, some, None)


def seams(raw):
    """thread: (seq, bytes) of a begin chunk; None if it is not of a recording that rotates."""
    lines = [line.split(b"=", 1) for line in (raw or b"").split(b"\0")[0].split(b"\n") if b"=" in line]
    rows = [[int(w) for w in v.split(b" ")] for k, v in lines if k == b"from"]
    return {t: (seq, n) for t, seq, n in rows} if b"part" in dict(lines) else None


def gap(ticks, thread, batches, events):
    return Head(ticks, b"GAP", [(b"thread", b"u", thread), (b"batches", b"u", batches), (b"events", b"u", events)],
                None)


def contexts(some):
    """What each part that has to do with it leaves as the context."""
    for name, args in some:
        if name == b"GO_START":
            yield args[0][2]
        elif name in (b"GO_PARK", b"GO_YIELD", b"GO_END"):
            yield 0


def pcs(data, otherwise):
    got, v, shift, last = [], 0, 0, 0
    for byte in data:
        v, shift = v | (byte & 127) << shift, shift + 7
        if v > M64 or shift > 70 or len(got) == 1024:
            break
        if byte < 128:
            last = last + (v >> 1 ^ -(v & 1)) & M64
            got.append(last)
            v = shift = 0
    return got if not shift or len(got) == 1024 else otherwise


def parts(name, args):
    by_name = {a[0]: a for a in args}
    park = b"GO_PARK", args[:4]
    start = b"GO_START", [by_name[n] for n in (b"g", b"seq") if n in by_name]
    if name == b"GO_HANDOFF":
        wake = b"GO_WAKE", start[1] + [(b"obj", *by_name[b"wobj"][1:])]
        return wake, park, (b"GO_START", [by_name[b"g"], (b"seq", b"seq", 0)])
    first = {b"GO_SWITCH": park, b"GO_YIELD_TO": (b"GO_YIELD", args[:1]), b"GO_END_TO": (b"GO_END", [])}
    return (first[name], start) if name in first else ((name, args),)
