#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What gtrace exports, decoded without gtrace and compared with the tables, for plain and hostile traces.

usage: export.py GTRACE ASSEMBLE SOURCE DEEP

With go(1) and dot(1) about, their word is asked too.
"""
import csv
import gzip
import os
import pathlib
import re
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile

TRACES = ["leak_first_answer", "lock_abba", "hidden_spin", "hostile_names", "lock_holder_waits", "idle_pool",
          "partial_group", "leak_growth"]
# Names that would end a string, a line, a frame or a command of what they are put into.
HOSTILE = r"""
header program='./p"\\x0a;' pid=42 maxprocs=1 level=sync
1000 t1 THREAD_START kind=worker tid=7
1000 t1 GO_NEW g=1 site=main.c:3:main:go:app
2000 t1 GO_START g=1
2050 t1 MARK category='c"\x0a' text='m"];}\x0a\xff'
2100 t1 GO_NEW g=2 site='a";b\\.c':20:'op;<b>\x0a"':go:'w"];}\x0aq;1 2'
2150 t1 GO_NAME g=2 name='\N\\"];\x0a x -> y; \x1b[2J \xc2\x9b \xf0\x9f\x90\x9b'
2300 t1 GO_PARK reason='IO wait' site=main.c:30:app:io:fd
2400 t1 GO_START g=2
2500 t1 OBJ_NEW obj=1 type=chan site='e,"v\x0a.c':17:'f\x0a;':'chan make':'c"\\\x0a,;' cap=0
2600 t1 GO_PARK reason='chan send' obj=1 site='e,"v\x0a.c':5:'a;b "c"\x0a':'chan send':''
2900 t1 GO_WAKE_BY g=1 seq=0 by=poller
3000 t1 GO_START g=1
3100 t1 GO_WAKE g=2 seq=0 obj=1
3200 t1 GO_PARK reason=sleep site=main.c:31:app:sleep: flags=1
3300 t1 GO_START g=2
3400 t1 GO_PARK reason='chan send' obj=1 site='e,"v\x0a.c':5:'a;b "c"\x0a':'chan send':''
4000 t1 THREAD_IDLE
end signal 15
"""
# What made the object is lost, with what else the thread did.
DAMAGED = r"""
header program=./d pid=42 maxprocs=1 level=sync
1000 t1 THREAD_START kind=worker tid=7
1000 t1 GO_NEW g=1 site=main.c:3:main:go:app
2000 t1 GO_START g=1
2100 t1 GO_NEW g=2 site=main.c:9:app:go:f
2200 t1 GAP batches=1 events=9
2300 t1 GO_PARK reason='chan receive' obj=7 site=main.c:30:app:'chan receive':c
2400 t1 GO_START g=2
2500 t1 GO_PARK reason='chan send' obj=8 site=main.c:31:f:'chan send':d
end signal 15
"""
# Of a program that is not there; the second STACK is of nothing.
STACKS = r"""
header program=./s pid=42 maxprocs=1 level=sync
1000 t1 THREAD_START kind=worker tid=7
1000 t1 GO_NEW g=1 site=main.c:3:main:go:app
2000 t1 GO_START g=1
2100 t1 STACK pcs=0x5,0x6
2300 t1 GO_PARK reason='chan receive' obj=7 site=main.c:30:app:'chan receive':c
2400 t1 GO_PARKED g=1
2400 t1 STACK pcs=0x10,0x20,0x30
end signal 15
"""
# What deep.c has at its end: the functions, from the outermost one on, and how many are in them.
DEEP = {
    ("worker", "descend", "between", "take"): 1,
    ("worker", "descend", "descend", "descend", "between", "take"): 2,
    ("by_pointer", "take_here"): 1,
    ("jumps", "jumped_to", "descend", "between", "take"): 1,
}
PROFILES = {  # statement for the totals, and the default number of the two
    "goroutine": ("SELECT count(*), sum(t.duration_ns - e.since_ns) FROM goroutine_at_end e JOIN trace t", 0),
    "block": ("SELECT count(*), sum(coalesce(i.to_ns, t.duration_ns) - i.from_ns) FROM interval i JOIN trace t "
              "WHERE i.state = 3", 1),
    "delay": ("SELECT count(*), sum(coalesce(i.to_ns, t.duration_ns) - i.from_ns) FROM interval i JOIN trace t "
              "WHERE i.state = 1", 1),
}


class Failure(Exception):
    """What is wrong."""


def need(truth, what):
    """Fail unless it is true."""
    if not truth:
        raise Failure(what)


def varint(data, at):
    """A number and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7f) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def fields(data):
    """A message as {number: [values]}; strings and messages are bytes."""
    at, found = 0, {}
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        elif key & 7 == 1:
            value, at = struct.unpack_from("<Q", data, at)[0], at + 8
        else:
            need(key & 7 == 2, f"wire type {key & 7}")
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
            need(len(value) == size, "a field that is cut")
        found.setdefault(key >> 3, []).append(value)
    return found


def numbers(packed):
    """The numbers of a packed field."""
    at, found = 0, []
    for piece in packed:
        at = 0
        while at < len(piece):
            value, at = varint(piece, at)
            found.append(value)
    return found


def one(message, number, default=0):
    """A field that is there once, or not at all."""
    values = message.get(number, [default])
    need(len(values) == 1, f"field {number} {len(values)} times")
    return values[0]


def export(gtrace, db, *options):
    """The bytes of an export to standard output."""
    done = subprocess.run([gtrace, "export", *options, db], check=False, capture_output=True, timeout=60)
    need(done.returncode == 0 and not done.stderr, f"status {done.returncode}: {done.stderr}")
    return done.stdout


def check_pprof(gtrace, path, db, folder):
    """profile.proto: tables that refer to each other, and sums that are those of the database."""
    for kind, (totals, shown) in PROFILES.items():
        data = export(gtrace, path, "--to", "pprof", "--profile", kind)
        profile = fields(gzip.decompress(data))
        texts = [text.decode() for text in profile[6]]
        need(not any(re.search(r"[\x00-\x1f\x7f-\x9f]", text) for text in texts), "a control character")
        need(texts[0] == "" and len(set(texts)) == len(texts), "the texts")
        functions, locations = {}, {}
        for function in map(fields, profile.get(5, [])):
            functions[one(function, 1)] = (texts[one(function, 2)], texts[one(function, 4)])
        for location in map(fields, profile.get(4, [])):
            line = fields(one(location, 4))
            need(one(location, 2) == one(fields(profile[3][0]), 1), "the mapping")
            locations[one(location, 1)] = functions[one(line, 1)] + (one(line, 2),)
        need(0 not in functions and 0 not in locations, "a number 0")
        need(len(set(functions.values())) == len(functions), "a function twice")
        need([texts[one(fields(t), 2)] for t in profile[1]] == ["count", "nanoseconds"], "the units")
        need(texts[one(profile, 14)] == texts[one(fields(profile[1][shown]), 1)], "the default")
        sums = [0, 0]
        labels = set()
        for sample in map(fields, profile.get(2, [])):
            need(all(n in locations for n in numbers(sample[1])) and sample[1], "a location")
            values = numbers(sample[2])
            sums = [sums[0] + values[0], sums[1] + values[1]]
            labels |= {(texts[one(l, 1)], texts[one(l, 2)]) for l in map(fields, sample.get(3, []))}
        need(sums == [n or 0 for n in db.execute(totals).fetchone()], f"{kind}: sums {sums}")
        if kind == "goroutine":
            waits = {("state", row[0]) for row in db.execute("SELECT DISTINCT reason_text FROM blocked")}
            need(waits <= labels, f"labels {labels}")
        if shutil.which("go"):
            file = os.path.join(folder, "p.pb.gz")
            pathlib.Path(file).write_bytes(data)
            check_go(file, sums[shown], kind)


def check_go(file, total, kind):
    """What go tool pprof says of a file."""
    said = {}
    for how in "-top", "-traces", "-raw":
        done = subprocess.run(["go", "tool", "pprof", how, file], check=False, capture_output=True, text=True,
                              timeout=60, env={**os.environ, "PPROF_TMPDIR": os.path.dirname(file)})
        need(done.returncode == 0, f"go tool pprof {how}: {done.stderr}")
        said[how] = done.stdout
    if kind == "goroutine":
        need(f"of {total} total" in said["-top"], f"-top says {said['-top']}")
    need("Mappings" in said["-raw"] and f"Type: {kind if kind == 'goroutine' else 'delay'}" in said["-top"], "types")


def check_folded(gtrace, path, db, _):
    """One stack a line, whose numbers add up."""
    for kind, (totals, shown) in PROFILES.items():
        text = export(gtrace, path, "--to", "folded", "--profile", kind).decode()
        lines = text.splitlines()
        need(text.count("\n") == len(lines), "lines")
        for line in lines:
            need(re.fullmatch(r"[^;\x00-\x1f\x7f-\x9f]+(;[^;\x00-\x1f\x7f-\x9f]+)*;\[[^;\[\]]+\] \d+", line), line)
        got = sum(int(line.rsplit(" ", 1)[1]) for line in lines)
        need(got == (db.execute(totals).fetchone()[shown] or 0), f"{kind}: sum {got}")


def check_dot(gtrace, path, db, _):
    """Statements of the language and nothing else; whoever is at an edge is a node."""
    text = export(gtrace, path, "--to", "dot").decode()
    string = r'"(?:[^"\\\x00-\x1f\x7f-\x9f]|\\.)*"'
    lines = text.splitlines()
    need(lines[0] == "digraph waits {" and lines[-1] == "}", "the graph")
    nodes, edges = set(), set()
    for line in lines[3:-1]:
        attributes = rf"\[(?:[a-z]+=(?:[a-z0-9]+|{string})(?:, )?)+\];"
        node = re.fullmatch(rf"\t([go]\d+) {attributes}", line)
        edge = re.fullmatch(rf"\t([go]\d+) -> ([go]\d+) {attributes}", line)
        need(node or edge, f"line {line}")
        need(not re.search(r"\\[NGETHLlr]", line.replace(r"\\", "")), f"an escape in {line}")
        if node:
            nodes.add(node[1])
        else:
            edges.add((edge[1], edge[2]))
    need(all(a in nodes and b in nodes for a, b in edges), "an edge from or to nowhere")
    waited = {f"o{row[0]}" for row in db.execute("SELECT DISTINCT object FROM wait_on")}
    need({b for _, b in edges if b[0] == "o"} == waited, "objects that are waited for")
    more = sum(int(n) for n in re.findall(r"\\nand (\d+) more like it", text))
    drawn = {a for a, b in edges if a[0] == "g"}
    need(len(drawn) + more == db.execute("SELECT count(DISTINCT g) FROM wait_on").fetchone()[0], "waiters")
    if shutil.which("dot"):
        subprocess.run(["dot", "-Tsvg"], check=True, input=text, text=True, capture_output=True, timeout=60)


def check_perfetto(gtrace, path, db, _):
    """Tracks that are declared, slices that nest, arrows with two ends, counters that end right."""
    tracks, open_slices, slices, starts, ends, counters = {}, {}, {}, {}, {}, {}
    last = {}
    for number, data in enumerate(fields(export(gtrace, path, "--to", "perfetto"))[1]):
        packet = fields(data)
        need(one(packet, 10) == 1 and one(packet, 13) == (number == 0), "the sequence")
        if 60 in packet:
            track = fields(one(packet, 60))
            need(one(track, 1) not in tracks and one(track, 5, 1) in {1, *tracks}, "a track")
            tracks[one(track, 1)] = track
            one(track, 2).decode()
            continue
        event, ts = fields(one(packet, 11)), one(packet, 8, None)
        track, kind = one(event, 11), one(event, 9)
        need(track in tracks and ts is not None, "an event of no track or time")
        for text in event.get(22, []) + event.get(23, []):
            text.decode()
        if kind in (1, 2):
            need(ts >= last.get(track, 0), "time goes back")
            last[track] = ts
        if kind == 1:
            need(not open_slices.get(track), "a slice in a slice")
            open_slices[track] = True
            slices[track] = slices.get(track, 0) + 1
            notes = {one(fields(note), 10): note for note in event.get(4, [])}
            need(set(notes) <= {b"at", b"object", b"woken by"}, "notes")
        elif kind == 2:
            need(open_slices.get(track), "the end of nothing")
            open_slices[track] = False
        elif kind == 4:
            need(8 in tracks[track] and 30 in event, "a counter")
            counters[one(tracks[track], 2).decode()] = struct.unpack("<q", struct.pack("<Q", one(event, 30)))[0]
        for flow in event.get(47, []):
            need(flow not in starts, "an arrow begins twice")
            starts[flow] = ts
        for flow in event.get(48, []):
            need(flow in starts and flow not in ends and starts[flow] <= ts, "an arrow's end")
            ends[flow] = ts
    expect = {"arrows": "SELECT (SELECT count(*) FROM interval WHERE woken_by IS NOT NULL) +"
                        "(SELECT count(*) FROM goroutine WHERE parent IS NOT NULL AND intervals > 0)",
              "slices": "SELECT count(*) FROM interval", "tracks": "SELECT count(*) FROM goroutine",
              "open": "SELECT count(*) FROM interval WHERE to_ns IS NULL",
              "alive": "SELECT count(*) FROM goroutine WHERE ended_ns IS NULL"}
    expect = {name: db.execute(ask).fetchone()[0] for name, ask in expect.items()}
    goroutine = {track for track in tracks if track >= 1 << 33}
    got = {"arrows": len(starts), "slices": sum(slices.get(track, 0) for track in goroutine),
           "tracks": len(goroutine), "open": sum(open_slices.get(track, False) for track in goroutine),
           "alive": counters["goroutines alive"]}
    need(got == expect, f"{got}, not {expect}")
    need(len(starts) - len(ends) <= expect["tracks"], "arrows to nowhere")
    for state, name in (1, "runnable"), (2, "running"), (3, "waiting"):
        want = db.execute("SELECT count(*) FROM interval WHERE to_ns IS NULL AND state = ?", (state,)).fetchone()[0]
        need(counters.get(f"goroutines {name}", 0) == want, f"{name} at the end")


def csv_rows(text):
    """The rows of a file; a text that is not in quotes is a number or None."""
    rows, row, at = [], [], 0
    while at < len(text):
        if text[at] == '"':
            piece = re.compile(r'"((?:[^"]|"")*)"').match(text, at)
            row.append(piece[1].replace('""', '"'))
        else:
            piece = re.compile(r"-?\d*").match(text, at)
            row.append(int(piece[0]) if piece[0] else None)
        at = piece.end()
        if text[at] == "\n":
            rows.append(tuple(row))
            row = []
        else:
            need(text[at] == ",", f"character {text[at]!r} after a value")
        at += 1
        if text[at - 1] == "," and text[at] == "\n":
            row.append(None)
            rows.append(tuple(row))
            row, at = [], at + 1
    return rows


def check_csv(gtrace, path, db, folder):
    """Every table, and the same rows in it, NULL and empty text apart; a DDL that makes it."""
    where = pathlib.Path(folder, "tables")
    shutil.rmtree(where, ignore_errors=True)
    export(gtrace, path, "--to", "csv", "-o", str(where))
    tables = [row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'"
                                        " AND name NOT IN ('interval_block', 'use_block', 'hold_block')")]
    need(sorted(file.stem for file in where.glob("*.csv")) == sorted(tables), "the tables")
    ddl = (where / "postgresql.sql").read_text()
    made = sqlite3.connect(":memory:")
    made.executescript("\n".join(line for line in ddl.splitlines() if not line.startswith("\\copy")))
    for table in tables:
        text = (where / f"{table}.csv").read_bytes().decode()
        rows = csv_rows(text)
        names = [row[1] for row in db.execute(f'PRAGMA table_info("{table}")')]
        need(list(rows[0]) == names, f"{table}: names")
        need(rows[1:] == db.execute(f'SELECT * FROM "{table}"').fetchall(), f"{table}: rows")
        need(sum(1 for _ in csv.reader(text.splitlines(keepends=True))) == len(rows), f"{table}: another reader")
        marks = ",".join("?" * len(names))
        made.executemany(f'INSERT INTO "{table}" VALUES ({marks})', rows[1:])
        for kind in "postgresql", "duckdb", "clickhouse":
            need(f"'{table}.csv'" in (where / f"{kind}.sql").read_text(), f"{kind} does not load {table}")


def pprof_stacks(data):
    """{functions from the outermost one on: the first number} of a profile."""
    profile, found = fields(gzip.decompress(data)), {}
    texts = [text.decode() for text in profile[6]]
    functions = {one(f, 1): texts[one(f, 2)] for f in map(fields, profile[5])}
    locations = {one(l, 1): functions[one(fields(one(l, 4)), 1)] for l in map(fields, profile[4])}
    for sample in map(fields, profile[2]):
        stack = tuple(locations[n] for n in reversed(numbers(sample[1])))
        found[stack] = found.get(stack, 0) + numbers(sample[2])[0]
    return found


def folded_stacks(text):
    """The same of folded stacks; of each frame its function."""
    found = {}
    for line in text.splitlines():
        *frames, last = line.split(";")
        stack = tuple(frame.split(" (")[0] for frame in frames)
        found[stack] = found.get(stack, 0) + int(last.rsplit(" ", 1)[1])
    return found


def check_deep(gtrace, deep, folder):
    """The stacks that a program had in its calls are in the profiles, and go tool pprof prints them."""
    trace, file = (os.path.join(folder, name) for name in ("deep.gtrace", "deep.pb.gz"))
    subprocess.run([deep], check=True, timeout=60,
                   env={**os.environ, "GTRACE": f"out={trace}", "GOR_DEBUG": "seed=1,vtime=1"})
    data = export(gtrace, trace, "--to", "pprof")
    for how, got in ("pprof", pprof_stacks(data)), \
            ("folded", folded_stacks(export(gtrace, trace, "--to", "folded").decode())):
        need(got == DEEP, f"{how}: {got}")
    blocked = set(folded_stacks(export(gtrace, trace, "--to", "folded", "--profile", "block").decode()))
    need(blocked == {*DEEP, ("app",)}, f"blocked: {blocked}")
    if shutil.which("go"):
        pathlib.Path(file).write_bytes(data)
        said = subprocess.run(["go", "tool", "pprof", "-traces", file], check=True, capture_output=True, text=True,
                              timeout=60, env={**os.environ, "PPROF_TMPDIR": folder}).stdout
        for stack in DEEP:
            need(re.search(r"\s+".join(reversed(stack)) + "\n", said), f"-traces lacks {stack}: {said}")


CHECKS = [check_pprof, check_folded, check_dot, check_perfetto, check_csv]


def main():
    """Every check of every trace."""
    gtrace, assemble, source, deep = sys.argv[1:5]
    bad = 0
    if not shutil.which("go"):
        print("go is not here: go tool pprof is not asked")
    with tempfile.TemporaryDirectory(dir=".") as folder:
        texts = [pathlib.Path(source, "tests/traces", f"{name}.txt") for name in TRACES]
        for name, text in ("hostile", HOSTILE), ("damaged", DAMAGED), ("stacks", STACKS):
            texts.append(pathlib.Path(folder, f"{name}.txt"))
            texts[-1].write_text(text)
        for text in texts:
            trace, where = (os.path.join(folder, text.stem + end) for end in (".gtrace", ".report"))
            subprocess.run([assemble, str(text), trace], check=True)
            subprocess.run([gtrace, "analyze", "--no-plots", "-o", where, trace], check=False, capture_output=True)
            path = os.path.join(where, "trace.db")
            db = sqlite3.connect(path)
            for check in CHECKS:
                try:
                    check(gtrace, path, db, folder)
                except (Failure, ValueError, KeyError, IndexError, TypeError, sqlite3.Error,
                        subprocess.SubprocessError) as why:
                    print(f"FAILED: {text.stem}: {check.__name__}: {why!r}")
                    bad = 1
            db.close()
        try:
            lone = folded_stacks(export(gtrace, os.path.join(folder, "stacks.gtrace"), "--to", "folded").decode())
            need(lone == {("app",): 1}, f"a stack without symbols: {lone}")
            check_deep(gtrace, deep, folder)
        except (Failure, ValueError, KeyError, IndexError, subprocess.SubprocessError) as why:
            print(f"FAILED: stacks: {why!r}")
            bad = 1
    return bad


sys.exit(main())
