#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each detector is a file that one can run by hand on trace.db, and on PostgreSQL: it finds what analyze found.

usage: detectors.py sqlite|postgres GTRACE ASSEMBLE SOURCE

All traces of tests/traces/ are analyzed and laid together in one database, each with a trace_id of its own.
There the findings are taken out, and each detector is run by the database's own program: sqlite3, or psql on a
PostgreSQL of our own, in which docs/examples/postgres.sh has put the tables and views.  Where that is not
installed the exit status is 77.
"""
import collections
import ctypes
import glob
import os
import pathlib
import pwd
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile

SKIPPED = 77
RESULTS = ("finding", "finding_goroutine", "finding_object", "finding_wait", "idle", "dead")
EMPTIED = [table for table in RESULTS if table != "dead"]  # detect/dead.c fills that, before the detectors
SHARED = ("word", "finding_kind")  # the same in each database
ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}  # of COPY


def run(*command, **how):
    """Run it; what it prints.  If it fails, so does the test."""
    done = subprocess.run(command, check=False, timeout=240, capture_output=True, encoding="utf-8", **how)
    if done.returncode != 0:
        sys.exit(f"FAILED: {' '.join(map(str, command))[:400]}: exit status {done.returncode}\n{done.stderr}")
    return done.stdout


def columns(db, table):
    """Its columns that a detector may write."""
    return [row[1] for row in db.execute(f"PRAGMA table_info({table})") if (table, row[1]) != ("finding", "id")]


class Sqlite:
    """The database as sqlite3 sees it."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def script(self, text):
        """Run these statements."""
        run("sqlite3", "-bail", "-cmd", "PRAGMA synchronous=OFF", self.path, input=text)

    def rows(self, table):
        """What is in the table."""
        db = sqlite3.connect(self.path)
        got = db.execute(f"SELECT {', '.join(columns(db, table))} FROM {table}").fetchall()
        db.close()
        return got


class Postgres:
    """A server for this test alone: its files in a directory of its own, nothing but a socket there."""

    def __init__(self, database, source):
        self.database, self.script_of = database, source / "docs/examples/postgres.sh"
        self.place, self.server = tempfile.mkdtemp(prefix="gtrace-pg-"), None  # short: a socket's path is
        self.environment = {**os.environ, "PGHOST": self.place, "PGUSER": "test", "PGDATABASE": "postgres",
                            "PGOPTIONS": "", "PGCLIENTENCODING": "UTF8"}

    def __enter__(self):
        try:
            owner = self.somebody()
            if owner:
                os.chown(self.place, owner["user"], owner["group"])
            # Not in the middle of that: who initdb has started would go on in what we remove.
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
            run(self.program("initdb"), "-D", f"{self.place}/data", "-U", "test", "-A", "trust", "-E", "UTF8",
                "--locale=C", "--no-sync", cwd=self.place, **owner)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
            self.start(owner)
            self.script(run("sh", self.script_of, self.database))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.server:
            self.server.send_signal(signal.SIGINT)
            self.server.wait()
        shutil.rmtree(self.place)

    @staticmethod
    def program(name):
        """Where it is; None: nowhere."""
        homes = sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)
        return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *homes]))

    @staticmethod
    def somebody():
        """The server refuses to be root's."""
        if os.getuid() != 0:
            return {}
        for name in ("postgres", "nobody"):
            try:
                who = pwd.getpwnam(name)
                return {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
            except KeyError:
                pass
        sys.exit("FAILED: neither a user postgres nor a user nobody")

    def start(self, owner):
        """Returns when it says that it is ready."""
        prctl = ctypes.CDLL(None).prctl
        settings = {"listen_addresses": "", "unix_socket_directories": self.place, "fsync": "off",
                    "log_min_messages": "log", "log_destination": "stderr", "logging_collector": "off"}
        # PR_SET_PDEATHSIG: it ends with us, however we end.
        self.server = subprocess.Popen(  # pylint: disable=consider-using-with,subprocess-popen-preexec-fn
            [self.program("postgres"), "-D", f"{self.place}/data",
             *(word for name, value in settings.items() for word in ("-c", f"{name}={value}"))],
            cwd=self.place, stderr=subprocess.PIPE, encoding="utf-8", env=self.environment,
            preexec_fn=lambda: prctl(1, signal.SIGQUIT), **owner)
        said = ""
        for line in self.server.stderr:
            said += line
            if "ready to accept connections" in line:
                return
        sys.exit(f"FAILED: PostgreSQL does not start\n{said}")

    def psql(self, *words, **how):
        """What psql prints."""
        return run(self.program("psql"), "-q", "-X", "-v", "ON_ERROR_STOP=1", *words, env=self.environment, **how)

    def script(self, text):
        """Run these statements."""
        self.psql("-1", input=text)

    def rows(self, table):
        """What is in the table."""
        db = sqlite3.connect(self.database)
        types = {row[1]: row[2] for row in db.execute(f"PRAGMA table_info({table})")}
        names = columns(db, table)
        db.close()
        text = self.psql("-c", f"COPY (SELECT {', '.join(names)} FROM {table}) TO STDOUT")

        def value(field, name):
            if field == "\\N":
                return None
            if types[name] == "INTEGER":
                return int(field)
            return re.sub(r"\\(.)", lambda escape: ESCAPES.get(escape[1], escape[1]), field)

        return [tuple(map(value, line.split("\t"), names)) for line in text.split("\n") if line]


def lay_together(gtrace, assemble, source, folder):
    """Analyze each trace; all their tables in one database."""
    path = f"{folder}/all.db"
    all_of_them = sqlite3.connect(path)
    all_of_them.execute("PRAGMA synchronous=OFF")
    texts = sorted((source / "tests/traces").glob("*.txt"))
    for number, text in enumerate(texts, 1):
        trace, report = f"{folder}/one.gtrace", f"{folder}/one.report"
        run(assemble, text, trace)
        run(gtrace, "analyze", "--no-plots", "--fail-on", "never", "-o", report, trace)
        all_of_them.execute("ATTACH ? AS one", (f"{report}/trace.db",))
        if number == 1:
            for sql, in all_of_them.execute("SELECT sql FROM one.sqlite_schema ORDER BY rowid").fetchall():
                all_of_them.execute(sql)
        for table, in all_of_them.execute("SELECT name FROM one.sqlite_schema WHERE type = 'table'").fetchall():
            rest = [row[1] for row in all_of_them.execute(f"PRAGMA table_info({table})")][1:]
            if table not in SHARED:
                names = ", ".join(f'"{name}"' for name in rest)
                all_of_them.execute(f"INSERT INTO {table} SELECT {number}, {names} FROM one.{table}")
            elif number == 1:
                all_of_them.execute(f"INSERT INTO {table} SELECT * FROM one.{table}")
        all_of_them.commit()
        all_of_them.execute("DETACH one")
    all_of_them.close()
    return path, {number: text.stem for number, text in enumerate(texts, 1)}


def differences(want, got, names):
    """Rows that only one side has, each with its trace's name."""
    want, got = collections.Counter(want), collections.Counter(got)
    return [f"{sign} {names[row[0]]}: {row[1:]}" for sign, rows in (("-", want - got), ("+", got - want))
            for row in sorted(rows.elements(), key=repr)]


def check(kind, gtrace, assemble, source):
    """Run the detectors there; 0 if they found the same."""
    bad = 0
    with tempfile.TemporaryDirectory(dir=".") as folder:
        path, names = lay_together(gtrace, assemble, source, folder)
        want = {table: Sqlite(path).rows(table) for table in RESULTS}
        with Postgres(path, source) if kind == "postgres" else Sqlite(path) as database:
            database.script("".join(f"DELETE FROM {table};\n" for table in EMPTIED))
            for detector in sorted((source / "analyzer/sql/detect").glob("*.sql")):
                database.script(detector.read_text(encoding="utf-8"))
                if not any(row[1] == detector.stem for row in want["finding"]):
                    print(f"FAILED: no trace of tests/traces/ gives {detector.stem} a finding")
                    bad = 1
            for table in RESULTS:
                for line in differences(want[table], database.rows(table), names):
                    print(f"FAILED: {table}: {line}")
                    bad = 1
    return bad


def main():
    """Sort out what there is to run."""
    kind, gtrace, assemble, source = sys.argv[1:]
    needed = ("sqlite3", "initdb", "postgres", "psql") if kind == "postgres" else ("sqlite3",)
    missing = [name for name in needed if not Postgres.program(name)]
    if missing:
        print(f"skipped: no {', '.join(missing)} here (packages sqlite3 and postgresql)")
        return SKIPPED
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    return check(kind, gtrace, assemble, pathlib.Path(source))


sys.exit(main())
