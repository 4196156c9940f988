#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""score.py [--quick] [--seeds N] [--twins N] BUILD [NAME...]: what the analyzer says of the corpus.

Every buggy program is run under one seed after the other until its bug is reported as its header
expects; every twin under so many seeds must give no finding.  docs/verdicts.md, "Score", explains
header and table.  Exit status 1 if a bar is missed; with --quick, if a program that is not marked
as missed is not as its header says.
"""
import argparse
import concurrent.futures
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

# seed N takes the Nth of these, in turn
POLICIES = ["random", "pct:3:64", "random", "random", "pct:2:64", "natural"]
RANK = {"suspect": 0, "predicted": 1, "probable": 2, "proven": 3, "fact": 4}
KERNEL = re.compile(r"(?!leak_|hang_|healthy_)")


class Program:
    """One source file: what its header says, and what came out."""

    def __init__(self, path):
        self.name = os.path.basename(path)[:-2]
        with open(path, encoding="utf-8") as f:
            head = dict(re.findall(r"^ \* (expect|end|names|missed|alone): (.*)$", f.read(), re.M))
        self.expect, self.missed = head["expect"], head.get("missed")
        self.alone = "alone" in head
        self.names = head.get("names", "")
        self.healthy = self.expect == "clean"
        kinds, _, self.least = self.expect.partition(" ")
        self.kinds = kinds.split("|")
        self.end = {"kill": signal.SIGKILL, "term": signal.SIGTERM, None: None}[head.get("end")]
        self.got, self.seeds, self.plain, self.triggered = "", None, "", False
        self.twin_runs = self.false_proven = self.false_probable = 0
        self.trouble = []  # of the twin

    def rightly(self, finding):
        """Whether this finding is what was expected."""
        return (finding["kind"] in self.kinds and RANK[finding["certainty"]] >= RANK[self.least]
                and self.names in finding["title"] + finding["why"])

    def ok(self):
        return (self.healthy or self.seeds is not None) and not self.trouble


def run(args, program, twin, seed):
    """Run it once, recorded, and return its exit status, the findings and who was left."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("GOR_", "GTRACE"))}
    if seed:
        env["GOR_DEBUG"] = f"seed={seed},policy={POLICIES[(seed - 1) % len(POLICIES)]}"
        if not program.end:
            env["GOR_DEBUG"] += ",vtime=1"
    else:
        env["GOR_MAXPROCS"] = "2"
    with tempfile.TemporaryDirectory(prefix="corpus.") as folder:
        trace = env["GTRACE"] = os.path.join(folder, "run.gtrace")
        command = os.path.join(args.build, "tests", "corpus", f"{program.name}.{twin}")
        child = subprocess.Popen([command], env=env, stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL)
        limit = threading.Timer(20, child.kill)
        limit.start()
        for line in child.stdout:
            if line == b"ready\n" and program.end and twin == "buggy":
                time.sleep(0.1)  # it is about to park; if that takes longer, another seed will do
                child.send_signal(program.end)
        status = child.wait()
        limit.cancel()
        command = [os.path.join(args.build, "analyzer", "gtrace"), "analyze", "--no-plots",
                   "--format", "json", "--fail-on", "never", trace]
        try:
            said = subprocess.run(command, env=env, capture_output=True, timeout=60, check=True)
            report = json.loads(said.stdout)
        except (subprocess.SubprocessError, ValueError) as e:
            return f"{status}, and analyze: {e}", [], 0
    return status, report["findings"], report["goroutines"]["alive_at_end"]


def hunt(args, p):
    """Look for the bug: without a seed, then under seed 1, 2 and so on."""
    most = min(args.seeds, 5) if p.end else args.seeds
    other = set()
    for seed in range(most + 1):
        status, findings, alive = run(args, p, "buggy", seed)
        right = [f for f in findings if p.rightly(f)]
        p.triggered |= bool(status or findings or alive)
        other |= {f"{f['kind']} {f['certainty']}" for f in findings}
        p.got = ", ".join(sorted({f"{f['kind']} {f['certainty']}" for f in right} or other))
        if not seed:
            p.plain = "y" if right else "n"
        elif right:
            p.seeds = seed
            return


def clear(args, p):
    """Run the twin, or the program if nothing is wrong with it, and note what must not be."""
    twin = "buggy" if p.healthy else "fixed"
    for seed in range(args.twins + 1):
        status, findings, _ = run(args, p, twin, seed)
        false = [f for f in findings if f["severity"] not in ("info", "note")
                 and f["certainty"] in ("proven", "probable")]
        also = [f for f in findings if f not in false and f["kind"] in p.kinds]
        p.twin_runs += 1
        p.false_proven += any(f["certainty"] == "proven" for f in false)
        p.false_probable += any(f["certainty"] == "probable" for f in false)
        for f in false + also:
            p.trouble.append(f"seed {seed}: {f['kind']} {f['certainty']}: {f['title']}")
        if status != (0 if twin == "fixed" or not p.end else -p.end):
            p.trouble.append(f"seed {seed}: exit status {status}")


def score(args, p):
    if not p.healthy:
        hunt(args, p)
    clear(args, p)
    return p


def share(n, of):
    return f"{n} of {of} ({100 * n / of:.1f} %)" if of else "none"


def table(programs):
    rows = [("program", "expected", "got", "seeds", "plain", "clean")]
    for p in programs:
        rows.append((p.name, p.expect, p.got or "-", str(p.seeds or "-"), p.plain or "-",
                     "n" if p.trouble else "y"))
    wide = [max(len(r[i]) for r in rows) for i in range(6)]
    for r in rows:
        print("  ".join(c.ljust(w) for c, w in zip(r, wide)).rstrip())
    for p in programs:
        for line in p.trouble[:3]:
            print(f"{p.name}: {'program' if p.healthy else 'twin'}, {line}")
        if p.missed:
            print(f"{p.name}: {'found, though marked as ' if p.ok() else ''}missed: {p.missed}")


def totals(programs):
    """Print them; returns the bars that were missed."""
    buggy = [p for p in programs if not p.healthy]
    kernels = [p for p in buggy if KERNEL.match(p.name)]
    seeds = [p.seeds for p in buggy if p.seeds]
    runs = sum(p.twin_runs for p in programs)
    proven = sum(p.false_proven for p in programs)
    probable = sum(p.false_probable for p in programs)
    right = sum(p.seeds is not None for p in kernels)
    print(f"\ntriggered          {share(sum(p.triggered for p in buggy), len(buggy))}")
    print(f"rightly reported   {share(len(seeds), len(buggy))}, kernels {share(right, len(kernels))}")
    if seeds:
        print(f"seeds needed       median {statistics.median(seeds):g}, most {max(seeds)}")
    print(f"without a seed     {share(sum(p.plain == 'y' for p in buggy), len(buggy))}")
    print(f"false proven       {share(proven, runs)} runs of twins and healthy programs")
    print(f"false probable     {share(probable, runs)}")
    return [text for text, bad in (("kernels rightly reported: all", right < len(kernels)),
                                   ("false proven: none", proven > 0),
                                   ("false probable: at most 3 %", probable > 0.03 * runs)) if bad]


def main():
    ask = argparse.ArgumentParser(description=__doc__.split(":")[0])
    ask.add_argument("--quick", action="store_true", help="few seeds; what is marked as missed may fail")
    ask.add_argument("--seeds", type=int, help="at most so many for a bug (100; quick: 20)")
    ask.add_argument("--twins", type=int, help="so many for a twin (20; quick: 3)")
    ask.add_argument("build")
    ask.add_argument("name", nargs="*", help="only programs whose name begins so")
    args = ask.parse_args()
    args.seeds = args.seeds or (20 if args.quick else 100)
    args.twins = args.twins or (3 if args.quick else 20)
    here = os.path.dirname(os.path.abspath(__file__))
    names = sorted(n for n in os.listdir(here) if n.endswith(".c")
                   and (not args.name or n.startswith(tuple(args.name))))
    programs = [Program(os.path.join(here, n)) for n in names]
    todo = [p for p in programs if not (args.quick and (p.missed or p.alone))]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        done = list(pool.map(lambda p: score(args, p), sorted(todo, key=lambda p: not p.end)))
    table(sorted(done, key=lambda p: p.name))
    bars = totals(done)
    if args.quick:
        bars = [f"{p.name}: not as its header says" for p in done if not p.ok()]
    for bar in bars:
        print(f"MISSED  {bar}")
    return 1 if bars else 0


if __name__ == "__main__":
    sys.exit(main())
