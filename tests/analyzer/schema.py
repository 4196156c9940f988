#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/schema.md has every table, view and column of a trace.db and nothing else, and its queries run.

usage: schema.py GTRACE ASSEMBLE SOURCE MIX [EXTENSION]

The queries are put to the stock sqlite3.  EXTENSION is gtrace.so; without it the table event is not asked.  MIX makes
a trace that is too long for plain tables.
"""
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

# One of them has a row for each query.
TRACES = ["leak_first_answer", "lock_abba", "lock_holder_waits", "leak_per_request", "idle_pool"]

# Rows of the sums that loading makes, and of the same over the intervals, which are not among the others.
SUMS = """
WITH wait AS (
  SELECT i.g, i.object, coalesce(i.site, 0) AS site, i.state,
         CASE i.state WHEN 5 THEN 16 ELSE coalesce(i.reason, 0) END AS reason,
         max(coalesce(i.to_ns, t.duration_ns) - i.from_ns, 0) AS ns, i.to_ns IS NULL AS still
  FROM interval i, trace t
  WHERE i.state IN (3, 5)
),
life AS (
  SELECT coalesce(g.born_site, CASE g.g WHEN 1 THEN -1 ELSE 0 END) AS site, g.*,
         coalesce(g.ended_ns, t.duration_ns) - g.born_ns AS ns, CASE g.older WHEN 0 THEN g.ended_ns END AS known_ns
  FROM goroutine g, trace t
),
made AS (
  SELECT 'object', object, 0, waits, ns, longest_ns, 0 FROM object_wait
  UNION ALL SELECT 'site', site, reason, waits, ns, longest_ns, still FROM site_wait
  UNION ALL SELECT 'g', g, 0, 0, waited_ns, 0, 0 FROM goroutine WHERE waited_ns > 0
  UNION ALL SELECT 'spawned', site, older, started, ended, lives, lives_ns FROM spawn
  UNION ALL SELECT 'lived', site, longest_ns, lived_ns, waited_ns, 0, 0 FROM spawn
  UNION ALL SELECT 'born', site, first_ns, last_ns, depth_min, depth_max, 0 FROM spawn
),
told AS (
  SELECT 'object', object, 0, count(*), sum(ns), max(ns), 0 FROM wait
  WHERE state = 3 AND object IS NOT NULL GROUP BY object
  UNION ALL SELECT 'site', site, reason, count(*), sum(ns), max(ns), sum(still) FROM wait GROUP BY site, reason
  UNION ALL SELECT 'g', g, 0, 0, sum(ns), 0, 0 FROM wait WHERE state = 3 GROUP BY g HAVING sum(ns) > 0
  UNION ALL SELECT 'spawned', site, sum(older), sum(1 - older), count(ended_ns), count(known_ns),
                   coalesce(sum(known_ns - born_ns), 0) FROM life GROUP BY site
  UNION ALL SELECT 'lived', site, max(coalesce(ended_ns - born_ns, 0)), sum(ns), sum(waited_ns), 0, 0
            FROM life GROUP BY site
  UNION ALL SELECT 'born', site, min(CASE older WHEN 0 THEN born_ns END), max(CASE older WHEN 0 THEN born_ns END),
                   min(CASE older WHEN 0 THEN depth END), max(CASE older WHEN 0 THEN depth END), 0
            FROM life GROUP BY site
)
SELECT * FROM (SELECT * FROM made EXCEPT SELECT * FROM told)
UNION ALL SELECT * FROM (SELECT * FROM told EXCEPT SELECT * FROM made)
"""

# What packed tables have, and what the events of the trace say.
PACKED = [
    ("SELECT object, count, g, mode, from_ns FROM hold",
     "SELECT object, args ->> 'count', g, args ->> 'mode', ts_ns FROM event WHERE event = 'LOCK'"),
    ("SELECT object, g, op, first_ns, last_ns, count FROM use WHERE op = 'chan close'",
     "SELECT object, g, 'chan close', min(ts_ns), max(ts_ns), count(*) FROM event WHERE event = 'CHAN_CLOSE' GROUP BY 1, 2"),
    ("SELECT object, g, first_ns, last_ns, count FROM use WHERE op = 'mutex lock'",
     "SELECT object, g, min(ts_ns), max(ts_ns), count(*) FROM event"
     " WHERE event = 'LOCK' OR event = 'GO_PARK' AND args ->> 'reason' = 'sync.Mutex.Lock' GROUP BY 1, 2"),
]


def documented(page):
    """{table: {column: type}} of the page; a view's columns have no type."""
    found = {}
    table = None
    for line in page.splitlines():
        head = re.fullmatch(r"###? (?:The table )?`(\w+)`", line)
        row = re.fullmatch(r"\| `(\w+)` \|(?: (INTEGER|TEXT|BLOB)(, NULL)?(, key)? \|)? .*\S \|", line)
        if line.startswith("#"):
            table = head[1] if head else None
            if table:
                found[table] = {}
        elif table and line.startswith("| `"):
            if not row:
                sys.exit(f"FAILED: schema.md: cannot read the row {line}")
            found[table][row[1]] = row[2] and (row[2], bool(row[3]), bool(row[4]))
    return found


def real(db):
    """The same of a database."""
    found = {}
    for name, kind in db.execute("SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view')").fetchall():
        found[name] = {}
        for _, column, affinity, must, _, key in db.execute(f'PRAGMA table_info("{name}")'):
            found[name][column] = (affinity, not must and not key, bool(key)) if kind == "table" else None
    return found


def differences(page, db):
    """What the page says and is not so, or does not say."""
    for table in sorted(set(page) | set(db)):
        if table not in page or table not in db:
            yield f"the table {table} is only in {'schema.md' if table in page else 'the database'}"
            continue
        for column in sorted(set(page[table]) | set(db[table])):
            says, has = page[table].get(column, "is not there"), db[table].get(column, "is not there")
            if says != has:
                yield f"{table}.{column}: schema.md says {says}, the database {has}"


def event_columns(folder, trace, extension):
    """The columns of the table event, by the stock sqlite3."""
    done = subprocess.run(["sqlite3", "-bail", ":memory:", f".load {extension}",
                           f"CREATE VIRTUAL TABLE e USING gtrace_event('{trace}')",
                           "SELECT name, type FROM pragma_table_info('e')"],
                          check=False, capture_output=True, text=True, cwd=folder, timeout=60)
    if done.returncode:
        sys.exit(f"FAILED: the extension: {done.stderr}")
    return dict(line.split("|") for line in done.stdout.splitlines())


def packed(gtrace, folder):
    """What the packed tables of a long trace do not have as its events say it."""
    def ask(query, of="long.gtrace"):
        return subprocess.run([gtrace, "sql", of, query], check=True, capture_output=True, text=True, cwd=folder).stdout
    for name in ("interval", "use", "hold"):
        if "VIRTUAL" not in ask(f"SELECT sql FROM sqlite_schema WHERE name = '{name}'", "long.report/trace.db"):
            yield f"{name}: it is not packed"
    if ask("SELECT count(*) FROM hold").split()[1] == "0":
        yield "no lock was held"
    for ours, theirs in PACKED:
        for query in (f"{ours} EXCEPT {theirs}", f"{theirs} EXCEPT {ours}"):
            rows = ask(f"SELECT * FROM ({query}) LIMIT 3")
            if rows.count("\n") != 1:  # the names of the columns
                yield f"{query}: {rows}"


def main():
    """Compare, then run the queries."""
    gtrace, assemble, source, mix = sys.argv[1:5]
    extension = sys.argv[5] if len(sys.argv) > 5 else ""
    page = pathlib.Path(source, "docs/schema.md").read_text()
    bad = []
    with tempfile.TemporaryDirectory(dir=".") as folder:
        for name in TRACES:
            text = os.path.join(source, "tests/traces", name + ".txt")
            subprocess.run([assemble, text, f"{name}.gtrace"], check=True, cwd=folder)
            subprocess.run([gtrace, "analyze", "--no-plots", f"{name}.gtrace"], check=False, cwd=folder,
                           capture_output=True)
        tables = documented(page)
        event = tables.pop("event", {})
        for name in TRACES:
            db = sqlite3.connect(os.path.join(folder, f"{name}.report", "trace.db"))
            bad += differences(tables, real(db)) if name == TRACES[0] else []
            bad += [f"{name}: the intervals do not add up to {row}" for row in db.execute(SUMS)]
            if not db.execute("SELECT count(*) FROM object_wait").fetchone()[0]:
                bad.append(f"{name}: nobody waited for an object")
            db.close()
        if extension:
            got = event_columns(folder, f"{TRACES[0]}.gtrace", extension)
            if got != {column: says[0] for column, says in event.items()}:
                bad.append(f"the table event has {got}")
        subprocess.run([mix, "160000"], check=True, cwd=folder, env=dict(os.environ, GTRACE="long.gtrace"))
        subprocess.run([gtrace, "analyze", "--no-plots", "--fail-on=never", "long.gtrace"], check=True, cwd=folder,
                       capture_output=True)
        bad += packed(gtrace, folder)
        queries = re.findall(r"^```sql\n(.*?)^```$", page.split("## Ten queries")[1], re.M | re.S)
        if len(queries) < 10:
            bad.append(f"only {len(queries)} queries")
        if not shutil.which("sqlite3"):
            sys.exit("\n".join(bad) or print("sqlite3 is not here: the queries are not run"))
        for query in queries:
            needs = "gtrace_event" in query
            if needs and not extension:
                continue
            rows = 0
            for name in TRACES + ["long"]:
                load = [f".load {extension}"] if needs or (name == "long" and extension) else []
                if name == "long" and not load and re.search(r"\b(use|hold)\b", query):
                    continue
                done = subprocess.run(["sqlite3", "-bail", f"{name}.report/trace.db", *load, query], check=False,
                                      capture_output=True, text=True, cwd=folder, timeout=60)
                rows += done.stdout.count("\n")
                if done.returncode or done.stderr:
                    bad.append(f"{name}: {done.stderr}{query}")
            if not rows:
                bad.append(f"not a row for\n{query}")
    for line in bad:
        print(f"FAILED: {line}")
    return bool(bad)


sys.exit(main())
