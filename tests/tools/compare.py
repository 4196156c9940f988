#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""compare.py WHAT GTRACE PAGE ...: two readers that share no line print the same of every trace.

    compare.py golden   GTRACE PAGE ASSEMBLE TEXT...     the tests' traces
    compare.py recorded GTRACE PAGE EXAMPLES             what the examples record, ended and killed
    compare.py orders   GTRACE PAGE ASSEMBLE             random schedules, clocks askew, pieces missing
    compare.py later    GTRACE PAGE ASSEMBLE TEXT...     as a later minor version might have written them
    compare.py damaged  GTRACE PAGE ASSEMBLE TEXT...     cut, shifted, flipped, and with lies in sound headers

A seed in the environment, SEED, shifts all random choices; ROUNDS asks for more of them.
"""
import json
import os
import random
import re
import struct
import subprocess
import sys
import tempfile

import readtrace


class Readers:
    def __init__(self, gtrace, page):
        self.gtrace, self.page, self.failed = gtrace, page, 0

    def first(self, path):
        got = subprocess.run([self.gtrace, "dump", path], capture_output=True, check=False)
        if got.returncode not in (0, 3):
            sys.exit(f"gtrace dump ended with {got.returncode}: {got.stderr.decode()}")
        return got.stdout.split(b"\n") if got.returncode == 0 else ["refused"]

    def second(self, path):
        try:
            return readtrace.lines(self.page, path) + [b""]
        except readtrace.Refused:
            return ["refused"]

    def same(self, path, what):
        a, b = self.second(path), self.first(path)
        if a == b:
            return len(a)
        i = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
        print(f"FAILED: {what}\n  line {i + 1}\n  second reader: {a[i:i + 1]}\n  gtrace dump:   {b[i:i + 1]}")
        self.failed = 1
        return 0


def read(path):
    with open(path, "rb") as f:
        return f.read()


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)


def assembled(assemble, text):
    subprocess.run([assemble, text, "assembled.gtrace"], check=True)
    return "assembled.gtrace"


def chances(rounds):
    for i in range(int(os.environ.get("ROUNDS", rounds))):
        seed = i + int(os.environ.get("SEED", 0))
        yield seed, random.Random(seed)


def golden(readers, assemble, *texts):
    for text in texts:
        readers.same(assembled(assemble, text), text)


# ── recorded ──

def recorded(readers, examples):
    for example in ("leak", "broadcast", "sieve"):
        path = f"{example}.gtrace"
        subprocess.run([f"{examples}/{example}", "300"], stdout=subprocess.DEVNULL, check=False,
                       env={**os.environ, "GTRACE": f"{path},level=all,stacks=8"})
        assert readers.same(path, example) > 20
    for size in (0, 4000):
        killed(readers, f"{examples}/sieve", f"killed{size}.gtrace", size)
    recorder(readers, f"{examples}/sieve")
    rotated(readers, f"{examples}/sieve")


def recorder(readers, program):
    """A flight recorder's: written at the end, and left over by SIGKILL once it has gone round."""
    subprocess.run([program, "2000"], stdout=subprocess.DEVNULL, check=False,
                   env={**os.environ, "GTRACE": "ring.gtrace,ring=512K"})
    assert b" SNAP_END" in b"\n".join(readers.first("ring.gtrace"))
    assert readers.same("ring.gtrace", "a ring") > 10000
    with subprocess.Popen([program, "1000000"], stdout=subprocess.DEVNULL,
                          env={**os.environ, "GTRACE": "left.gtrace,ring=512K"}) as p:
        while begin_of("left.gtrace.live") < 3:
            if p.poll() is not None:
                sys.exit(f"{program} ended early")
        p.kill()
    assert readers.same("left.gtrace", "a ring that was left over") > 10000


def rotated(readers, program):
    """Files of a bounded size, the last of them left over by SIGKILL."""
    with subprocess.Popen([program, "1000000"], stdout=subprocess.DEVNULL,
                          env={**os.environ, "GTRACE": "part.gtrace,rotate=256K"}) as p:
        while not os.path.exists("part.000002.gtrace"):
            if p.poll() is not None:
                sys.exit(f"{program} ended early")
        p.kill()
    readers.same("part.gtrace", "the last of several files")
    write("cut.gtrace", read("part.000002.gtrace")[:65536])  # all of it would take long
    assert readers.same("cut.gtrace", "one of several files, cut") > 10000


seen_begins = set()


def begin_of(path):
    """How many different beginnings the ring has had."""
    if os.path.exists(path) and os.path.getsize(path) >= 4096:
        with open(path, "rb") as f:
            page = f.read(192)
        seen_begins.add(struct.unpack_from("<Q", page, 144 + 24 * (page[140] & 1))[0])
    return len(seen_begins)


def killed(readers, program, path, size):
    """SIGKILL once the file has that size; what is not in it then is in the sidecar."""
    with subprocess.Popen([program, "1000000"], stdout=subprocess.DEVNULL,
                          env={**os.environ, "GTRACE": path}) as p:
        while not os.path.exists(path + ".live") or os.path.getsize(path) < size:
            if p.poll() is not None:
                sys.exit(f"{program} ended early")
        p.kill()
    readers.same(path, f"{path} of {size} bytes")


# ── orders ──

def schedule(r, steps, skew, gaps):
    """Lines of a random run of goroutines on threads, each thread's clock off by its own error."""
    threads, now, out = range(1, 6), skew, []
    state = {g: "unborn" for g in range(1, 31)}
    count, last, runs = dict.fromkeys(state, 0), dict.fromkeys(state, 0), dict.fromkeys(threads, 0)
    error = {t: r.randrange(skew + 1) - skew // 2 for t in threads}
    pace = r.choice((50, 5000, 500000))

    def say(t, words):
        nonlocal now
        now += r.randrange(pace)
        out.append((t, f"{now + error[t]} t{t} {words}\n"))

    def pick(what):
        return r.choice([g for g in state if state[g] == what] or [0])

    def move(t, g, becomes, words):
        """A start or wake, with its count as a runtime writes it."""
        count[g] += 1
        say(t, f"{words} g={g} seq={0 if last[g] == t else count[g]}")
        state[g], last[g] = becomes, t

    def stop(t, becomes):
        state[runs[t]], last[runs[t]], runs[t] = becomes, t, 0
    for _ in range(steps):
        t = r.choice(threads)
        kind = r.choice("new wake park yield switch end mark gap".split()) if runs[t] else "idle"
        g = pick({"new": "unborn", "wake": "waiting", "switch": "runnable"}.get(kind))
        if kind == "idle":
            g = pick("runnable")
            if g:
                move(t, g, "running", "GO_START")
                runs[t] = g
            elif pick("waiting") or len(out) > 1:
                g = pick("waiting")
                say(t, "MARK text=idle") if not g else move(t, g, "runnable", "GO_WAKE_BY by=timer")
            else:
                say(t, "GO_NEW g=1")
                state[1], last[1] = "runnable", t
        elif kind == "new" and g:
            say(t, f"GO_NEW g={g} site=a.c:{g}:f:go:x")
            state[g], last[g] = "runnable", t
        elif kind == "wake" and g:
            move(t, g, "runnable", "GO_WAKE")
        elif kind in ("park", "yield"):
            say(t, "GO_PARK reason=select" if kind == "park" else "GO_YIELD")
            stop(t, "waiting" if kind == "park" else "runnable")
        elif kind == "switch" and g:
            move(t, g, "running", "GO_SWITCH reason=sleep")
            stop(t, "waiting")
            runs[t] = g
        elif kind == "end" and not r.randrange(4):
            say(t, "GO_END")
            stop(t, "ended")
        elif kind == "gap" and gaps and not r.randrange(gaps):
            kept = len(out) - r.randrange(40)
            out = [(s, line) for i, (s, line) in enumerate(out) if s != t or i < kept]
            say(t, f"GAP batches={r.randrange(1, 4)} events={r.randrange(50)}")
        else:
            say(t, "MARK text=x")
    return "".join(line for _, line in out) + "".join(f"{now + error[t] + 1} t{t} THREAD_END\n" for t in threads)


def orders(readers, assemble):
    for seed, r in chances(30):
        text = schedule(r, 2000, r.choice((0, 1000, 10**7, 10**8)), r.choice((0, 10, 50)))
        write("schedule.txt", text.encode())
        readers.same(assembled(assemble, "schedule.txt"), f"schedule of seed {seed}")


# ── later ──

def varint(v):
    out = b""
    while v >= 128:
        out, v = out + bytes([v & 127 | 128]), v >> 7
    return out + bytes([v])


def frame(raw):
    """A zstd frame of raw blocks, which hold 128 KiB at most."""
    blocks = [raw[i:i + (1 << 17)] for i in range(0, max(len(raw), 1), 1 << 17)]
    out = struct.pack("<IBI", 0xFD2FB528, 0xA0, len(raw))
    for i, block in enumerate(blocks):
        out += struct.pack("<I", len(block) << 3 | (i == len(blocks) - 1))[:3] + block
    return out


def chunk(data, c, kind, raw):
    """Of minor version 9, whose chunk headers have 24 bytes more."""
    head, body = bytearray(data[c.at + 8:c.at + c.bytes - 8]) + b"?" * 24, frame(raw)
    struct.pack_into("<HHH", head, 6, 9, kind, len(head) + 8)
    struct.pack_into("<QQ", head, 16, len(body), len(raw))
    return struct.pack("<II", 0x184D2A57, len(head) + 8) + head + struct.pack("<Q", readtrace.xxh64(head)) + body


def later_header(raw):
    lines = [line + b" more:u words:bytes" if line.startswith(b"event=") else line for line in raw.split(b"\n")]
    return b"colour=blue\nevent=150 NOVEL n:u what:bytes odd:shape who:g\n" + b"\n".join(lines)


def encoded(trace, batch, packed, more=(), between=None):
    """The records of a batch written anew, each with more arguments and with another one behind it."""
    ids, ticks = {name: n for n, (name, _, _) in trace.events.items()}, batch.first
    columns = [bytearray() for _ in range(10)] if packed else [bytearray()] * 10
    last, counts = {b"g": 0, b"obj": 0, b"site": 0, b"pc": 0}, {}

    def put(column, v):
        first, *rest = varint(v)
        columns[column].append(first)
        columns[9].extend(rest)

    def put_arg(kind, v):
        if kind == b"bytes":
            put(7, len(v))
            columns[8].extend(v)
            return
        difference = kind == b"z" or kind in last
        if kind in last:
            v, last[kind] = v - last[kind], v
        elif packed and kind == b"seq" and v:
            place = last[b"g"] % 1024
            s, counts[place], difference = counts.get(place, 0), v, True
            v = (v if v != s else 0) - s
        put(readtrace.COLUMN.get(kind, 7), (v << 1 ^ v >> 63) & readtrace.M64 if difference else v)

    def put_record(number, after, args):
        columns[0].append(number)
        put(1, after)
        for kind, v in args:
            put_arg(kind, v)
    for at, name, args in trace.records(batch):
        put_record(ids[name], at - ticks, [a[1:] for a in args] + list(more))
        ticks = at
        if between:
            put_record(*between)
    return struct.pack("<10I", *map(len, columns)) + b"".join(columns) if packed else bytes(columns[0])


def later_trace(readers, data):
    trace, out = readtrace.Trace(read(readers.page), data, b""), b""
    for c in readtrace.chunks(data):
        raw = readtrace.payload(data, c)
        if c.kind == readtrace.HEADER:
            raw = later_header(raw)
        kind = c.kind
        if kind == readtrace.PACKED:
            kind = (readtrace.BATCH, readtrace.PACKED)[c.thread % 2]
            raw = encoded(trace, trace.batches[c.thread][c.seq], kind == readtrace.PACKED,
                          [(b"u", 7), (b"bytes", b"abc")],
                          (150, 0, [(b"u", 5), (b"bytes", b"xy"), (b"shape", 9), (b"g", 3)]))
        out += chunk(data, c, 77, b"who knows") + chunk(data, c, kind, raw)
    return out


def findings(readers, path):
    got = subprocess.run([readers.gtrace, "analyze", "--no-plots", "--format", "json", "-o", "report", path],
                         capture_output=True, check=False)
    return json.loads(got.stdout)["findings"]


def later(readers, assemble, *texts):
    for text in texts:
        data = read(assembled(assemble, text))
        write("later.gtrace", later_trace(readers, data))
        readers.same("later.gtrace", f"{text}, as of a later version")
        old, new = readers.first("assembled.gtrace"), readers.first("later.gtrace")
        known = [re.sub(rb" more=7 words=abc$", b"", line) for line in new if b" NOVEL n=5 what=xy odd=9 who=3" not in line]
        info = subprocess.run([readers.gtrace, "info", "later.gtrace"], capture_output=True, check=True).stdout
        if known != old or findings(readers, "later.gtrace") != findings(readers, "assembled.gtrace"):
            print(f"FAILED: {text}: not all that is known was read")
            readers.failed = 1
        novel = len([line for line in new if b" NOVEL " in line])
        for line in (f"unknown_events={novel}", f"count.NOVEL={novel}", "colour=blue"):
            if f"\n{line}\n".encode() not in b"\n" + info or b"unknown_chunks=0" in info:
                print(f"FAILED: {text}: info does not say {line}")
                readers.failed = 1


# ── damaged ──

def damage(r, data):
    """Change bytes in one way; say which."""
    heads = [c.at for c in readtrace.chunks(bytes(data))]
    at, n, way = r.randrange(len(data)), r.choice((1, 8, 100, 5000)), r.randrange(6)
    if way == 0:
        del data[at:]
    elif way == 1:
        del data[at:at + n]
    elif way == 2:
        data[at:at] = r.randbytes(n)
    elif way == 3:
        for _ in range(r.randrange(1, 5)):
            data[r.randrange(len(data))] ^= 1 << r.randrange(8)
    elif way == 4:
        i = r.randrange(len(heads))
        del data[heads[i]:(heads + [len(data)])[i + 1]]
    else:  # a lie in a header whose checksum is right
        at = r.choice(heads)
        data[at + r.randrange(20, 128)] ^= 1 << r.randrange(8)
        data[at + 128:at + 136] = readtrace.xxh64(bytes(data[at + 8:at + 128])).to_bytes(8, "little")
    return ("cut", "bytes gone", "bytes too many", "flips", "a chunk gone", "a lie")[way], at, n


def damaged(readers, assemble, *texts):
    sound = [read(assembled(assemble, text)) for text in texts]
    for seed, r in chances(150):
        data, ways = bytearray(r.choice(sound)), []
        for _ in range(r.randrange(1, 3)):
            if any(True for c in readtrace.chunks(bytes(data))):
                ways.append(damage(r, data))
        write("damaged.gtrace", data)
        readers.same("damaged.gtrace", f"seed {seed}: {ways}")


def main():
    what, gtrace, page, *args = sys.argv[1:]
    readers = Readers(os.path.abspath(gtrace), os.path.abspath(page))
    args = [os.path.abspath(a) for a in args]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        {"golden": golden, "recorded": recorded, "orders": orders, "damaged": damaged, "later": later}[what](
            readers, *args)
    sys.exit(readers.failed)


if __name__ == "__main__":
    main()
