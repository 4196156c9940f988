#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/schema.md has every table, view and column of a trace.db and nothing else, and its queries run.

usage: schema.py GTRACE ASSEMBLE SOURCE [EXTENSION]

The queries are put to the stock sqlite3.  EXTENSION is gtrace.so; without it the table event is not asked.
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
made AS (
  SELECT 'object', object, 0, waits, ns, longest_ns, 0 FROM object_wait
  UNION ALL SELECT 'site', site, reason, waits, ns, longest_ns, still FROM site_wait
  UNION ALL SELECT 'g', g, 0, 0, waited_ns, 0, 0 FROM goroutine WHERE waited_ns > 0
),
told AS (
  SELECT 'object', object, 0, count(*), sum(ns), max(ns), 0 FROM wait
  WHERE state = 3 AND object IS NOT NULL GROUP BY object
  UNION ALL SELECT 'site', site, reason, count(*), sum(ns), max(ns), sum(still) FROM wait GROUP BY site, reason
  UNION ALL SELECT 'g', g, 0, 0, sum(ns), 0, 0 FROM wait WHERE state = 3 GROUP BY g HAVING sum(ns) > 0
)
SELECT * FROM (SELECT * FROM made EXCEPT SELECT * FROM told)
UNION ALL SELECT * FROM (SELECT * FROM told EXCEPT SELECT * FROM made)
"""


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


def main():
    """Compare, then run the queries."""
    gtrace, assemble, source = sys.argv[1:4]
    extension = sys.argv[4] if len(sys.argv) > 4 else ""
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
            for name in TRACES:
                load = [f".load {extension}"] if needs else []
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
