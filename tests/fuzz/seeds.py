#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""seeds.py ASSEMBLE TRACES OUT: first inputs for the fuzz targets, made from the tests' traces.

Payloads become zstd frames of raw blocks without a checksum, so that a changed byte is still a record
and not a damaged frame; of the headers only a few lines stay.
"""
import os
import struct
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + "/../tools")
import readtrace  # noqa: E402
from compare import encoded, frame  # noqa: E402

HEADER = (b"clock=os\ntick_shift=0\nid=0000000000000005\nevent=99 NOVEL n:u what:bytes z:z\n"
          b"event=21 GO_NAME g:g name:bytes more:site\nevent=41 MARK category:bytes\n")
PAGE = os.path.dirname(os.path.abspath(__file__)) + "/../../docs/trace-format.md"
TEXTS = ("leak_first_answer", "hidden_tick", "lock_abba", "hostile_names", "select_leak", "exit_reach")


def chunk(data, c, raw):
    head = bytearray(data[c.at:c.at + c.bytes])
    body = frame(raw)
    struct.pack_into("<QQ", head, 24, len(body), len(raw))
    head[-8:] = readtrace.xxh64(bytes(head[8:-8])).to_bytes(8, "little")
    return bytes(head) + body


def begin(data, c):
    """A begin chunk of a recording that rotates, a moment behind that header."""
    head = bytearray(data)
    struct.pack_into("<H", head, c.at + 16, readtrace.BEGIN)
    struct.pack_into("<QQ", head, c.at + 104, c.ticks + 150, c.mono + 150)
    return chunk(head, c, b"part=2\nfrom=1 1 3\nfrom=2 2 0\n")


def slot(size, c, raw, state=1):
    head = struct.pack("<4s3I6Q", b"GTSL", state, len(raw), c.generation, c.thread, c.seq, c.first, c.g, 0, 0)
    return (head.ljust(128, b"\0") + raw).ljust(size, b"\0")


def sidecar(batches):
    size = 128 + max(len(raw) for _, raw in batches)
    clocks = struct.pack("<9Q", *range(9))
    page = struct.pack("<8sHHIQQ6I", b"GTRCLIVE", 1, 0, 136, 5, 42, size, 128, len(batches), 0, 1, 0)
    page += clocks[:24] + struct.pack("<II", 1, 0) + clocks[24:]
    return page + b"".join(slot(size, c, raw, 1 + i % 2) for i, (c, raw) in enumerate(batches))


def write(out, target, name, data):
    os.makedirs(f"{out}/{target}", exist_ok=True)
    with open(f"{out}/{target}/{name}", "wb") as f:
        f.write(data)


def seed(assemble, text, out):
    name = os.path.basename(text).split(".")[0]
    subprocess.run([assemble, text, f"{out}/seed.gtrace"], check=True)
    with open(f"{out}/seed.gtrace", "rb") as f:
        data = f.read()
    os.unlink(f"{out}/seed.gtrace")
    with open(PAGE, "rb") as f:
        trace = readtrace.Trace(f.read(), data, b"")
    file, batch, batches, part = b"", HEADER + b"\0", [], b""
    for c in readtrace.chunks(data):
        raw = HEADER if c.kind == readtrace.HEADER else readtrace.payload(data, c)
        file += chunk(data, c, raw)
        part += chunk(data, c, raw) + (begin(data, c) if c.kind == readtrace.HEADER else b"")
        if c.kind == readtrace.PACKED:
            raw = encoded(trace, trace.batches[c.thread][c.seq], False)
            batches.append((c, raw))
            batch += struct.pack("<5BHH", c.thread - 1, c.seq, c.g, c.lost_batches, c.generation,
                                 c.first & 0xffff, len(raw)) + raw
    write(out, "reader", name, file)
    write(out, "reader", f"{name}_part", part)
    write(out, "batch", name, batch)
    write(out, "sidecar", name, sidecar(batches))
    with open(text, "rb") as f:
        write(out, "text", name, f.read())


def main():
    assemble, traces, out = sys.argv[1:]
    os.makedirs(out, exist_ok=True)
    for name in TEXTS:
        seed(assemble, f"{traces}/{name}.txt", out)
    write(out, "text", "grammar", b"# x\nheader a=b c='d e'\n1.5us t2 g3 GO_START g=g3 seq=0\n0x10 t1 GAP batches=2\n"
          b"20 t1 g4 STACK pcs=0x1,2\n30 t1 WG_ADD obj=1 delta=-5 site=:3::77:'\\x41\\n'\nend signal 9 at=1s\n")
    for i, value in enumerate((b"run.gtrace,level=all,ring=64M", b"out='a,b',stacks=3,zstd=19,buffer=1G",
                               b"1,help=1", b"slice=1.5ms,count=-3,flag=1,leve=all", b"10ms", b"64K")):
        write(out, "settings", f"value{i}", value)


if __name__ == "__main__":
    main()
