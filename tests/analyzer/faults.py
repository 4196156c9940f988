# SPDX-License-Identifier: MIT
"""faults.py: calls of gtrace for memory, a thread, or the disk fail in turn.

usage: faults.py GTRACE ASSEMBLE SOURCE_DIR

GTRACE is linked with faults.c.  Whatever fails, a verb says what it says otherwise, and makes the same
files, or it says in words why it does not, and its exit status is 3: never a crash, a hang, or less
without a word.  Where there are too many calls some of them are taken, others in each run; SEED repeats one.
"""
import concurrent.futures
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile

gtrace, assemble, source = os.path.abspath(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
each = int(os.environ.get("EACH", 40))  # calls of a kind that fail
chance = random.Random(seed)
work = pathlib.Path(tempfile.mkdtemp())
failures = 0


def complain(what):
    global failures
    failures += 1
    if failures <= 20:
        print(what, flush=True)


def long_trace(path):
    """So long that threads read and write beside the loader."""
    lines = ["header program=./long pid=1 maxprocs=1 level=sync", "100 t1 GO_NEW g=1 site=a.c:1:main:go:app",
             "200 t1 GO_START g=1"]
    now = 1000
    for i in range(2, 2000):
        lines += [f"{now} t1 GO_NEW g={i} site=a.c:{i % 40 + 2}:spawn:go:work",
                  f"{now + 10} t1 GO_YIELD site=a.c:3:main:yield:y",
                  f"{now + 20} t1 GO_START g={i}", f"{now + 30} t1 MARK category=work text='number {i}'"]
        lines.append(f"{now + 40} t1 GO_END" if i % 3 else
                     f"{now + 40} t1 GO_PARK reason=sleep site=a.c:9:work:sleep: flags=1")
        lines.append(f"{now + 50} t1 GO_START g=1")
        now += 1000
    path.write_text("\n".join(lines) + "\n")


def run(words, fault=None, size=None, cwd=None):
    """Exit status, stdout, stderr, how many calls there were."""
    count = pathlib.Path(cwd) / ".count"
    env = dict(os.environ, LC_ALL="C", TZ="UTC0")
    if fault:
        env |= {"FAULT": fault, "FAULT_COUNT": str(count)}

    def child():
        if size is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    try:
        done = subprocess.run([gtrace, *words], capture_output=True, text=True, errors="replace", env=env, cwd=cwd,
                              timeout=60, restore_signals=size is None, preexec_fn=child)
    except subprocess.TimeoutExpired:
        return "hangs", "", "", 0
    return done.returncode, done.stdout, done.stderr, int(count.read_text()) if count.exists() else 0


def files(folder):
    """What is there, but for what lets results be used again; of a database only that it is."""
    return {str(p.relative_to(folder)): b"" if p.suffix == ".db" else p.read_bytes()
            for p in folder.rglob("*") if p.is_file() and p.name not in (".count", "made-from.txt")}


def once(words, like, **how):
    folder = pathlib.Path(tempfile.mkdtemp(dir=work))
    shutil.copytree(like, folder, dirs_exist_ok=True)
    got = run(words, cwd=folder, **how)
    made = files(folder)
    shutil.rmtree(folder)
    return got, made


def judge(what, whole, got):
    (status, out, err, _), made = got
    (want, want_out, want_err, _), want_made = whole
    if status == want and out == want_out:
        different = [name for name in want_made if made.get(name) != want_made[name]]
        if different and err == want_err:
            complain(f"{what}: {', '.join(different[:3])} is different, and nothing is said")
    elif status != 3 or "gtrace: " not in err:
        complain(f"{what}: status {status}\n{err[-3000:]}{out[:300] if status == want else ''}")


def in_turn(pool, words, like, most=each):
    """Each kind of call fails, and files stop at some size."""
    name = " ".join(words)
    whole = once(words, like)
    if whole[0][0] not in (0, 1):
        complain(f"{name}: {whole[0][:3]}")
    plans = []
    for kind in ("malloc", "thread", "write"):
        count = once(words, like, fault=f"{kind}:0")[0][3]
        numbers = sorted(chance.sample(range(1, count + 1), min(most, count)))
        plans += [{"fault": f"{kind}:{n}{lasting}"} for n in numbers for lasting in ("", "+")]
    plans += [{"size": size} for size in [0, 1, *chance.sample(range(1 << 18), 8)]]
    print(f"{like.name}: {name}: {len(plans)} runs", flush=True)
    for plan, got in zip(plans, pool.map(lambda plan: once(words, like, **plan), plans)):
        judge(f"{like.name}: {name} {plan}", whole, got)


def main():
    print(f"SEED={seed}")
    short, long, done, text = work / "short", work / "long", work / "done", work / "long.txt"
    for folder in (short, long):
        folder.mkdir()
    long_trace(text)
    subprocess.run([assemble, text, long / "t.gtrace"], check=True)
    subprocess.run([assemble, source / "tests/traces/hidden_role.txt", short / "t.gtrace"], check=True)
    shutil.copytree(short, done)
    run(["analyze", "--no-plots", "t.gtrace"], cwd=done)
    db = "t.report/trace.db"
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        in_turn(pool, ["analyze", "--no-plots", "t.gtrace"], short)
        in_turn(pool, ["analyze", "--no-plots", "t.gtrace"], long)
        in_turn(pool, ["analyze", "t.gtrace"], short, each // 10 + 1)
        for form in ("text", "json", "junit", "sarif", "github", "markdown"):
            in_turn(pool, ["analyze", "--no-plots", "--format", form, "t.gtrace"], done, each // 4 + 1)
        for form in ("pprof", "folded", "csv", "dot", "perfetto"):
            in_turn(pool, ["export", "--to", form, "-o", "out", db], done, each // 4 + 1)
        for words in (["dump", "t.gtrace"], ["info", "t.gtrace"], ["goroutine", db, "1"], ["at", db, "5ms"],
                      ["sql", db, "SELECT state, count(*) FROM span GROUP BY 1 ORDER BY 1"],
                      ["diff", db, "t.gtrace"], ["plot", db, "goroutines", "--term", "dumb"]):
            in_turn(pool, words, done, each // 4 + 1)
    shutil.rmtree(work)
    sys.exit(1 if failures else 0)


main()
