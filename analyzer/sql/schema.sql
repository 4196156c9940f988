-- SPDX-License-Identifier: MIT
--
-- trace.db: a trace as tables.  Times are nanoseconds since the start of the trace; an unknown is NULL.
-- Goroutines, objects, threads and sites have the numbers the trace gave them.  Every table starts with
-- the number of its trace (1 in a database of one trace), so that many can be laid together.
-- The views in views.sql put words and places in for the numbers.

PRAGMA application_id = 1735684724; -- 'gtrt'
PRAGMA user_version = 1;            -- of this schema

-- The words for the small numbers in other tables: gtrace_names.def, and state 5, 'syscall'.
CREATE TABLE word(
  list   TEXT    NOT NULL, -- 'reason', 'state', 'waker' ...
  number INTEGER NOT NULL,
  text   TEXT    NOT NULL, -- 'chan receive'
  PRIMARY KEY (list, number)
) STRICT, WITHOUT ROWID;

-- One row per trace.
CREATE TABLE trace(
  trace_id      INTEGER PRIMARY KEY,
  file          TEXT    NOT NULL, -- as it was named
  program       TEXT,             -- argv[0]
  pid           INTEGER,
  start_wall_ns INTEGER,          -- Unix time of the start
  duration_ns   INTEGER NOT NULL, -- to the last event, or to the end record
  events        INTEGER NOT NULL, -- read
  lost_events   INTEGER NOT NULL, -- as far as the trace says
  lost_batches  INTEGER NOT NULL, -- missing or damaged
  bytes         INTEGER NOT NULL, -- of the file
  end           TEXT    NOT NULL, -- 'exit', 'deadlock', 'panic', 'signal', 'stopped', 'dump', 'rotated', 'cut'
  end_code      INTEGER,          -- exit status, or the signal's number
  seed          INTEGER,          -- of a repeatable run, as a signed number; NULL: it was none
  replay        TEXT,             -- what GOR_DEBUG repeats that run: 'seed=7,policy=pct:3,vtime=1'
  begin_ns      INTEGER,          -- from the recording's beginning to the trace's; NULL: the same
  reason        TEXT,             -- why a flight recorder dumped
  recorder_cpu_ns INTEGER,        -- the recorder's own bill, from the end record: CPU time,
  stalls        INTEGER,          -- how often a thread waited for it,
  stall_ns      INTEGER,          -- for how long in all,
  batches       INTEGER,          -- and what it wrote
  level         TEXT,             -- what was recorded: 'sched', 'sync', 'all'
  maxprocs      INTEGER,          -- how many goroutines could run at once
  main_ended_ns INTEGER,          -- goroutine 1 returned; NULL: it did not
  panic         TEXT,             -- the message the program died with,
  panic_ns      INTEGER,          -- when,
  panic_g       INTEGER,          -- in which goroutine; NULL: in none
  panic_site    INTEGER,          -- and where
  older         INTEGER NOT NULL DEFAULT 0, -- goroutines whose birth is not in the trace
  started       INTEGER NOT NULL, -- further goroutines
  ended         INTEGER NOT NULL,
  peak          INTEGER NOT NULL, -- most alive at once
  peak_ns       INTEGER NOT NULL, -- when that was reached
  last_wake_ns  INTEGER,          -- the last time a waiting goroutine was woken
  broken        INTEGER NOT NULL, -- places where no order of the events fitted
  sidecar       INTEGER NOT NULL, -- 1: part of it came from a left-over buffer file
  partial       INTEGER NOT NULL, -- 1: reading it was interrupted
  spin_ns       INTEGER NOT NULL, -- threshold of the detector spin; those of the others:
  poll_ns       INTEGER NOT NULL DEFAULT 1000000000,  -- poll: for that long at least,
  poll_tries    INTEGER NOT NULL DEFAULT 1000,        -- that often at least,
  poll_percent  INTEGER NOT NULL DEFAULT 20,          -- running for that part of it
  starve_ns     INTEGER NOT NULL DEFAULT 1000000000,  -- starved: ready to run for that long; 0.1 s or more
  call_ns       INTEGER NOT NULL DEFAULT 10000000000, -- stuck-call: in a call for that long
  exhaust_ns    INTEGER NOT NULL DEFAULT 1000000000,  -- pool-exhausted: nothing started for that long
  grow_ns       INTEGER NOT NULL DEFAULT 1000000000,  -- leak-growth: a sixth of the trace is that long
  spawn_count   INTEGER NOT NULL DEFAULT 500,         -- runaway-spawn: that many from one place
  round_ns      INTEGER NOT NULL DEFAULT 1000000000,  -- livelock: for that long,
  round_count   INTEGER NOT NULL DEFAULT 1000,        -- so many rounds; or ten times as many in a tenth of it
  argv          TEXT,             -- the program's words
  clock         TEXT,             -- what its times are of: 'tsc', 'os'
  tick_ps       INTEGER,          -- how fine they are, in picoseconds
  cpus          INTEGER,          -- that the machine had
  version       TEXT,             -- of the recorder
  runtime       TEXT,             -- whose goroutines they are, and its version: 'gor 0.1.0'
  format        TEXT              -- of the trace: '1.0'
) STRICT;

-- Call sites.
CREATE TABLE site(
  trace_id INTEGER NOT NULL,
  site     INTEGER NOT NULL,
  file     TEXT    NOT NULL,
  line     INTEGER NOT NULL,
  func     TEXT    NOT NULL,
  op       TEXT    NOT NULL, -- 'chan send', 'go' ...
  text     TEXT    NOT NULL, -- the argument as it was written: a variable, a function
  PRIMARY KEY (trace_id, site)
) STRICT, WITHOUT ROWID;

-- Loaded objects of the program, for symbols.
CREATE TABLE module(
  trace_id INTEGER NOT NULL,
  base     INTEGER NOT NULL, -- address
  size     INTEGER NOT NULL,
  path     TEXT    NOT NULL,
  build_id TEXT,             -- hex
  PRIMARY KEY (trace_id, base)
) STRICT, WITHOUT ROWID;

-- Writers of the trace: one per thread of the program.
CREATE TABLE thread(
  trace_id INTEGER NOT NULL,
  thread   INTEGER NOT NULL,
  kind     TEXT    NOT NULL, -- 'worker', 'monitor', 'foreign'
  tid      INTEGER,          -- the kernel's number
  start_ns INTEGER NOT NULL,
  end_ns   INTEGER,
  PRIMARY KEY (trace_id, thread)
) STRICT, WITHOUT ROWID;

-- Goroutines.
CREATE TABLE goroutine(
  trace_id  INTEGER NOT NULL,
  g         INTEGER NOT NULL, -- 1 is main
  name      TEXT,             -- given by the program
  parent    INTEGER,          -- who spawned it; NULL: no goroutine did, or unknown
  born_site INTEGER,          -- where
  born_ns   INTEGER NOT NULL, -- when, or first seen
  ended_ns  INTEGER,          -- NULL: alive at the end
  entry     INTEGER,          -- address of its function
  intervals INTEGER NOT NULL, -- how many it has
  foreign_thread INTEGER,     -- it is this thread, which the program made and which calls in
  depth     INTEGER NOT NULL DEFAULT 0, -- generations since the first goroutine
  waited_ns INTEGER NOT NULL DEFAULT 0, -- in state 3, in all, to the end
  older     INTEGER NOT NULL DEFAULT 0, -- 1: its birth is not in the trace
  PRIMARY KEY (trace_id, g)
) STRICT, WITHOUT ROWID;

-- What became of the goroutines of each place that spawns.  Sums of the table goroutine, made while it is.
CREATE TABLE spawn(
  trace_id   INTEGER NOT NULL,
  site       INTEGER NOT NULL, -- 0: unknown; -1: main
  older      INTEGER NOT NULL, -- whose birth is not in the trace
  started    INTEGER NOT NULL, -- further ones
  ended      INTEGER NOT NULL, -- of both
  lives      INTEGER NOT NULL, -- started and ended
  lives_ns   INTEGER NOT NULL, -- how long those lived, in all
  longest_ns INTEGER NOT NULL, -- the longest that one that ended has lived in the trace
  lived_ns   INTEGER NOT NULL, -- how long all have lived in it
  waited_ns  INTEGER NOT NULL, -- of that, in state 3
  first_ns   INTEGER,          -- first birth
  last_ns    INTEGER,          -- and last one
  depth_min  INTEGER,          -- goroutine.depth of those started: least
  depth_max  INTEGER,          -- and most
  PRIMARY KEY (trace_id, site)
) STRICT, WITHOUT ROWID;

-- One row per stretch of time a goroutine spent in one state.  A stretch of no length has no row.
-- The view span has words for the numbers.  If there are many, it is a virtual table over interval_block.
CREATE TABLE interval(
  trace_id    INTEGER NOT NULL,
  g           INTEGER NOT NULL,
  n           INTEGER NOT NULL, -- 0, 1 ... in time order
  from_ns     INTEGER NOT NULL,
  to_ns       INTEGER,          -- NULL: still so at the end
  state       INTEGER NOT NULL, -- 1 runnable, 2 running, 3 waiting, 5 syscall (runs outside, its place given away)
  reason      INTEGER,          -- waiting: word list 'reason'
  object      INTEGER,          -- waiting: for this; NULL: none, or several (table wait_on)
  site        INTEGER,          -- waiting: where
  flags       INTEGER,          -- waiting: 1 has a deadline, 2 has a cancel handle
  thread      INTEGER,          -- running, syscall: on which
  woken_by    INTEGER,          -- waiting: the goroutine that ended it
  waker       INTEGER,          -- waiting: word list 'waker', if no goroutine did
  wake_object INTEGER,          -- waiting: through which object
  PRIMARY KEY (trace_id, g, n)
) STRICT, WITHOUT ROWID;

-- The intervals of a goroutine, packed: interval/pack.c.  Empty if the table interval holds them itself.
CREATE TABLE interval_block(
  trace_id INTEGER NOT NULL,
  g        INTEGER NOT NULL,
  n        INTEGER NOT NULL, -- of the first one in it
  from_ns  INTEGER NOT NULL, -- when that begins
  data     BLOB    NOT NULL,
  PRIMARY KEY (trace_id, g, n)
) STRICT, WITHOUT ROWID;

-- The last interval of each goroutine that is alive at the end: it is still in that state.
CREATE TABLE still(
  trace_id INTEGER NOT NULL,
  g        INTEGER NOT NULL,
  n        INTEGER NOT NULL, -- the columns of interval, as far as they can be known
  from_ns  INTEGER NOT NULL,
  state    INTEGER NOT NULL,
  reason   INTEGER,
  object   INTEGER,
  site     INTEGER,
  flags    INTEGER,
  thread   INTEGER,
  PRIMARY KEY (trace_id, g)
) STRICT, WITHOUT ROWID;

-- The longest waits: of each reason, a thousand.
CREATE TABLE long_wait(
  trace_id    INTEGER NOT NULL,
  g           INTEGER NOT NULL,
  n           INTEGER NOT NULL, -- the columns of interval
  from_ns     INTEGER NOT NULL,
  to_ns       INTEGER,
  reason      INTEGER,
  object      INTEGER,
  site        INTEGER,
  flags       INTEGER,
  woken_by    INTEGER,
  waker       INTEGER,
  wake_object INTEGER,
  PRIMARY KEY (trace_id, g, n)
) STRICT, WITHOUT ROWID;

-- How long goroutines were ready before they ran, as a histogram: from one step to the next is a hundredth or less.
CREATE TABLE ready(
  trace_id INTEGER NOT NULL,
  ns       INTEGER NOT NULL, -- the longest of the step
  count    INTEGER NOT NULL,
  PRIMARY KEY (trace_id, ns)
) STRICT, WITHOUT ROWID;

-- What the goroutines that wait at the end wait for: every object of it.
CREATE TABLE wait_on(
  trace_id INTEGER NOT NULL,
  g        INTEGER NOT NULL,
  object   INTEGER NOT NULL,
  op       TEXT    NOT NULL, -- 'chan send', 'chan receive', 'mutex lock' ...
  from_ns  INTEGER NOT NULL,
  until_ns INTEGER,          -- the wait ends by itself then
  PRIMARY KEY (trace_id, g, object, op)
) STRICT, WITHOUT ROWID;

-- Synchronisation objects.
CREATE TABLE object(
  trace_id   INTEGER NOT NULL,
  object     INTEGER NOT NULL,
  type       TEXT    NOT NULL, -- 'chan', 'mutex' ...
  made_site  INTEGER,
  made_by    INTEGER,          -- goroutine
  made_ns    INTEGER NOT NULL, -- or first seen
  cap        INTEGER,          -- of a channel; of an fd, its number; of a context, the one above
  closed_ns  INTEGER,
  closed_by  INTEGER,          -- goroutine
  close_site INTEGER,
  woken      INTEGER,          -- how many the close woke
  freed_ns   INTEGER,
  PRIMARY KEY (trace_id, object)
) STRICT, WITHOUT ROWID;

-- How long goroutines waited for each object in all; for it alone, so without selects of several.  Waits
-- that last until the end count to the end.  Sums of the table interval, made while it is.
CREATE TABLE object_wait(
  trace_id   INTEGER NOT NULL,
  object     INTEGER NOT NULL,
  waits      INTEGER NOT NULL,
  ns         INTEGER NOT NULL,
  longest_ns INTEGER NOT NULL,
  queue      INTEGER NOT NULL, -- most that waited at once
  reason     INTEGER,          -- of the last one: word list 'reason'; tells what it is if its making is not known
  site       INTEGER,          -- of the last one: where
  PRIMARY KEY (trace_id, object)
) STRICT, WITHOUT ROWID;

-- How long goroutines waited at each place in all, and for what.  Sums like those of object_wait.
CREATE TABLE site_wait(
  trace_id   INTEGER NOT NULL,
  site       INTEGER NOT NULL, -- 0: unknown
  reason     INTEGER NOT NULL, -- word list 'reason'; 16 for state 5, too; 0: unknown
  waits      INTEGER NOT NULL,
  ns         INTEGER NOT NULL,
  longest_ns INTEGER NOT NULL,
  still      INTEGER NOT NULL, -- waits that last until the end
  PRIMARY KEY (trace_id, site, reason)
) STRICT, WITHOUT ROWID;

-- Who did what to which object.  If there is much, it is a virtual table over use_block.
CREATE TABLE use(
  trace_id INTEGER NOT NULL,
  object   INTEGER NOT NULL,
  g        INTEGER NOT NULL,
  op       TEXT    NOT NULL,
  first_ns INTEGER NOT NULL,
  last_ns  INTEGER NOT NULL,
  count    INTEGER NOT NULL, -- as often as the trace has it; level sync leaves out repeats
  site     INTEGER,          -- of the last one
  PRIMARY KEY (trace_id, object, g, op)
) STRICT, WITHOUT ROWID;

-- The rows of use, packed: act/pack.c.  Empty if the table use holds them itself.
CREATE TABLE use_block(
  trace_id INTEGER NOT NULL,
  bucket   INTEGER NOT NULL, -- of an object, or of 32
  cell     INTEGER NOT NULL, -- of 128 goroutines
  n        INTEGER NOT NULL, -- of the block; those of a later one come later
  data     BLOB    NOT NULL,
  PRIMARY KEY (trace_id, bucket, cell, n)
) STRICT, WITHOUT ROWID;

-- Goroutines that got an object as their argument.
CREATE TABLE give(
  trace_id INTEGER NOT NULL,
  g        INTEGER NOT NULL,
  object   INTEGER NOT NULL,
  ts_ns    INTEGER NOT NULL,
  PRIMARY KEY (trace_id, g, object)
) STRICT, WITHOUT ROWID;

-- Locks: who had which, from when to when.  If there is much, it is a virtual table over hold_block.
CREATE TABLE hold(
  trace_id INTEGER NOT NULL,
  object   INTEGER NOT NULL,
  count    INTEGER NOT NULL, -- acquisitions of it so far
  g        INTEGER NOT NULL,
  mode     TEXT    NOT NULL, -- 'mutex lock', 'rwmutex rlock', 'rwmutex lock'
  from_ns  INTEGER NOT NULL,
  to_ns    INTEGER,          -- NULL: held at the end
  site     INTEGER,          -- of the lock call
  to_site  INTEGER,          -- of the unlock call
  PRIMARY KEY (trace_id, object, count, g)
) STRICT, WITHOUT ROWID;

-- The rows of hold, packed: act/pack.c.  Empty if the table hold holds them itself.
CREATE TABLE hold_block(
  trace_id INTEGER NOT NULL,
  bucket   INTEGER NOT NULL, -- of an object, or of 32
  cell     INTEGER NOT NULL, -- of 128 acquisitions
  n        INTEGER NOT NULL, -- of the block
  data     BLOB    NOT NULL,
  PRIMARY KEY (trace_id, bucket, cell, n)
) STRICT, WITHOUT ROWID;

-- Locks taken while another was held.  Of each two locks and each of a few goroutines, the first time
-- and the last.
CREATE TABLE nest(
  trace_id   INTEGER NOT NULL,
  nest       INTEGER NOT NULL,
  g          INTEGER NOT NULL,
  outer      INTEGER NOT NULL, -- the lock that was held
  outer_mode TEXT    NOT NULL, -- as in hold
  outer_site INTEGER,          -- where it was taken
  outer_ns   INTEGER NOT NULL, -- when
  object     INTEGER NOT NULL, -- the lock that was taken
  mode       TEXT    NOT NULL,
  site       INTEGER,
  ts_ns      INTEGER NOT NULL,
  PRIMARY KEY (trace_id, nest)
) STRICT, WITHOUT ROWID;

-- What else was held then.
CREATE TABLE nest_gate(
  trace_id INTEGER NOT NULL,
  nest     INTEGER NOT NULL,
  object   INTEGER NOT NULL,
  mode     TEXT    NOT NULL,
  PRIMARY KEY (trace_id, nest, object)
) STRICT, WITHOUT ROWID;

-- Goroutines alive at the end that had been polling: a try that failed again and again, or yields at one
-- place with nothing else between, since the last success there.
CREATE TABLE poll(
  trace_id INTEGER NOT NULL,
  g        INTEGER NOT NULL,
  site     INTEGER NOT NULL,
  yields   INTEGER NOT NULL, -- 1: they were yields
  count    INTEGER NOT NULL,
  from_ns  INTEGER NOT NULL, -- first time the trace tells of them
  last_ns  INTEGER NOT NULL, -- and the last
  PRIMARY KEY (trace_id, g, site, yields)
) STRICT, WITHOUT ROWID;

-- Intervals of 0.1 s and more in which a goroutine was ready to run.
CREATE TABLE late(
  trace_id INTEGER NOT NULL,
  g        INTEGER NOT NULL,
  n        INTEGER NOT NULL, -- of the interval
  from_ns  INTEGER NOT NULL,
  to_ns    INTEGER,          -- NULL: still so at the end
  PRIMARY KEY (trace_id, g, n)
) STRICT, WITHOUT ROWID;

-- Timers, as they were at the end.
CREATE TABLE timer(
  trace_id   INTEGER NOT NULL,
  object     INTEGER NOT NULL,
  armed_ns   INTEGER NOT NULL,
  armed_by   INTEGER,          -- goroutine
  due_ns     INTEGER NOT NULL, -- next time it was to fire
  period_ns  INTEGER NOT NULL, -- 0: once
  site       INTEGER,
  fired      INTEGER NOT NULL, -- how often it has
  stopped_ns INTEGER,          -- stopped, or fired for the last time; NULL: armed at the end
  PRIMARY KEY (trace_id, object)
) STRICT, WITHOUT ROWID;

-- Handoffs: a thread loses the right to run goroutines to another; its own goroutine stays on it.
CREATE TABLE handoff(
  trace_id    INTEGER NOT NULL,
  n           INTEGER NOT NULL, -- 0, 1 ... in order
  ts_ns       INTEGER NOT NULL,
  from_thread INTEGER NOT NULL,
  to_thread   INTEGER NOT NULL,
  why         TEXT    NOT NULL, -- 'syscall', 'busy', 'explicit'
  g           INTEGER,          -- stays behind
  PRIMARY KEY (trace_id, n)
) STRICT, WITHOUT ROWID;

-- Samples of goroutines that had no scheduling event for long.
CREATE TABLE busy(
  trace_id INTEGER NOT NULL,
  g        INTEGER NOT NULL,
  ts_ns    INTEGER NOT NULL,
  thread   INTEGER NOT NULL,
  run_ns   INTEGER NOT NULL, -- since its last event
  cpu_ns   INTEGER NOT NULL, -- of that, on a processor
  pc       INTEGER,          -- program counter then
  file     TEXT,             -- of the pc, where symbols tell
  line     INTEGER,
  func     TEXT,
  PRIMARY KEY (trace_id, g, ts_ns)
) STRICT, WITHOUT ROWID;

-- Call stacks: the last one seen in an interval, of a goroutine that waited for long or at the end, or that
-- had no scheduling event for long.
CREATE TABLE stack(
  trace_id INTEGER NOT NULL,
  g        INTEGER NOT NULL,
  n        INTEGER NOT NULL, -- of the interval
  stack    INTEGER NOT NULL, -- those with the same frames have one number
  PRIMARY KEY (trace_id, g, n)
) STRICT, WITHOUT ROWID;

-- Their frames.
CREATE TABLE frame(
  trace_id INTEGER NOT NULL,
  stack    INTEGER NOT NULL,
  n        INTEGER NOT NULL, -- 0: the innermost
  pc       INTEGER NOT NULL, -- in the call
  PRIMARY KEY (trace_id, stack, n)
) STRICT, WITHOUT ROWID;

-- Where program counters are, as far as symbols tell.  A function that was inlined has a row of its own.
CREATE TABLE symbol(
  trace_id INTEGER NOT NULL,
  pc       INTEGER NOT NULL,
  n        INTEGER NOT NULL, -- 0: the innermost
  file     TEXT,
  line     INTEGER,
  func     TEXT,
  PRIMARY KEY (trace_id, pc, n)
) STRICT, WITHOUT ROWID;

-- Snapshots the program took of itself.
CREATE TABLE snapshot(
  trace_id   INTEGER NOT NULL,
  snap       INTEGER NOT NULL, -- 1, 2 ...
  ts_ns      INTEGER NOT NULL,
  kind       TEXT    NOT NULL, -- 'start', 'end', 'spin' ...
  goroutines INTEGER NOT NULL,
  end_ns     INTEGER,          -- NULL: cut off
  PRIMARY KEY (trace_id, snap)
) STRICT, WITHOUT ROWID;

-- Where a snapshot found an object's address; place 0: nowhere but on stacks of parked goroutines.
CREATE TABLE reach(
  trace_id INTEGER NOT NULL,
  object   INTEGER NOT NULL,
  snap     INTEGER NOT NULL,
  n        INTEGER NOT NULL, -- 0, 1 ... rows of this object in this snapshot
  ts_ns    INTEGER NOT NULL,
  place    INTEGER NOT NULL,
  what     TEXT    NOT NULL, -- 'global queue+0x10', 'heap' ...
  PRIMARY KEY (trace_id, object, snap, n)
) STRICT, WITHOUT ROWID;

-- Stretches of a thread that the trace has lost.
CREATE TABLE gap(
  trace_id INTEGER NOT NULL,
  n        INTEGER NOT NULL,
  thread   INTEGER NOT NULL,
  from_ns  INTEGER NOT NULL, -- its last event before
  to_ns    INTEGER NOT NULL, -- its first event after
  batches  INTEGER NOT NULL,
  events   INTEGER NOT NULL, -- 0: unknown
  PRIMARY KEY (trace_id, n)
) STRICT, WITHOUT ROWID;

-- Notes the program put in.
CREATE TABLE mark(
  trace_id INTEGER NOT NULL,
  n        INTEGER NOT NULL,
  ts_ns    INTEGER NOT NULL,
  g        INTEGER,
  category TEXT    NOT NULL,
  text     TEXT    NOT NULL,
  PRIMARY KEY (trace_id, n)
) STRICT, WITHOUT ROWID;

-- The dead set: waiting goroutines that nobody alive may wake, as docs/verdicts.md defines it.
CREATE TABLE dead(
  trace_id INTEGER NOT NULL,
  g        INTEGER NOT NULL,
  sure     INTEGER NOT NULL, -- 1: everybody is ruled out by rules that cannot err
  ring     INTEGER,          -- the cycle of locks it is in
  behind   INTEGER,          -- the cycle of locks it waits behind, not in it
  loop     INTEGER,          -- the cycle of waits it is in, which are not for locks alone
  main     INTEGER NOT NULL, -- 1: main, or main waits for it
  gap      INTEGER NOT NULL, -- 1: what it did or waits for touches a lost stretch
  kind     TEXT,             -- what says more of it than 'leak': dead_kind.sql
  PRIMARY KEY (trace_id, g)
) STRICT, WITHOUT ROWID;

-- Whom the goroutines in a cycle of waits (dead.loop) wait for: another one of it.
CREATE TABLE loop_wait(
  trace_id INTEGER NOT NULL,
  g        INTEGER NOT NULL,
  object   INTEGER NOT NULL, -- waits for this
  on_g     INTEGER NOT NULL, -- who has the lock, or could end the wait
  PRIMARY KEY (trace_id, g, object)
) STRICT, WITHOUT ROWID;

-- Goroutines that have done the same few things again and again, and nothing else, up to the end.
-- sql/suppose.sql says how they are told.
CREATE TABLE repeat(
  trace_id INTEGER NOT NULL,
  g        INTEGER NOT NULL,
  since_ns INTEGER NOT NULL, -- looked at since then
  rounds   INTEGER NOT NULL, -- how often in all
  asks     INTEGER NOT NULL, -- 1: it tries, and in vain
  PRIMARY KEY (trace_id, g)
) STRICT, WITHOUT ROWID;

-- The objects that they have used.
CREATE TABLE repeat_on(
  trace_id INTEGER NOT NULL,
  object   INTEGER NOT NULL,
  g        INTEGER NOT NULL,
  gives    INTEGER NOT NULL, -- 1: sent to it, signalled or released it
  takes    INTEGER NOT NULL, -- 1: received from it, waited for it or acquired it
  now      INTEGER NOT NULL, -- 1: since repeat.since_ns
  PRIMARY KEY (trace_id, object, g)
) STRICT, WITHOUT ROWID;

-- Goroutines that would be dead if others went on as they do: detect/suppose.c.
CREATE TABLE dead_if(
  trace_id INTEGER NOT NULL,
  supposed TEXT    NOT NULL, -- 'repeat': who repeats itself goes on to; 'role': who waits for something, and
                             -- never did anything else to it, never will
  g        INTEGER NOT NULL,
  member   INTEGER NOT NULL, -- 1: it repeats itself
  PRIMARY KEY (trace_id, supposed, g)
) STRICT, WITHOUT ROWID;

-- Members of the dead set that merely had nothing to do when main returned: detect/alive-at-exit.sql.
CREATE TABLE idle(
  trace_id INTEGER NOT NULL,
  g        INTEGER NOT NULL,
  PRIMARY KEY (trace_id, g)
) STRICT, WITHOUT ROWID;

-- Locks that goroutines took in orders that could have met in a deadlock: circles of nests, one row
-- each.  detect/order.c fills it.
CREATE TABLE lock_circle(
  trace_id INTEGER NOT NULL,
  circle   INTEGER NOT NULL,
  step     INTEGER NOT NULL, -- from 0; the lock of the last one is the first one's outer
  nest     INTEGER NOT NULL,
  writer   INTEGER,          -- a lock for reading taken twice: who has it for writing in between
  PRIMARY KEY (trace_id, circle, step)
) STRICT, WITHOUT ROWID;

-- What the detectors found.  Each detector writes the rows of its kind; finding_rank.sql numbers them.
CREATE TABLE finding(
  trace_id     INTEGER NOT NULL,
  kind         TEXT    NOT NULL, -- 'leak', 'hidden-deadlock' ...
  part         INTEGER NOT NULL, -- tells the findings of a kind apart
  id           INTEGER,          -- 1, 2 ... worst first
  certainty    TEXT    NOT NULL, -- 'proven', 'probable', 'suspect', 'predicted', 'fact'
  severity     TEXT    NOT NULL, -- 'error', 'warning', 'info'
  title        TEXT    NOT NULL,
  why          TEXT    NOT NULL,
  hint         TEXT,
  count        INTEGER NOT NULL, -- goroutines
  since_ns     INTEGER,
  blocked_file TEXT,
  blocked_line INTEGER,
  blocked_func TEXT,
  blocked_text TEXT,             -- 'chan send "done"'
  born_file    TEXT,
  born_line    INTEGER,
  born_func    TEXT,
  born_text    TEXT,             -- 'go worker'
  touches_gap  INTEGER NOT NULL,
  PRIMARY KEY (trace_id, kind, part)
) STRICT, WITHOUT ROWID;

-- The goroutines of a finding.
CREATE TABLE finding_goroutine(
  trace_id INTEGER NOT NULL,
  kind     TEXT    NOT NULL,
  part     INTEGER NOT NULL,
  g        INTEGER NOT NULL,
  PRIMARY KEY (trace_id, kind, part, g)
) STRICT, WITHOUT ROWID;

-- The objects of a finding.
CREATE TABLE finding_object(
  trace_id INTEGER NOT NULL,
  kind     TEXT    NOT NULL,
  part     INTEGER NOT NULL,
  object   INTEGER NOT NULL,
  holder   INTEGER,          -- the goroutine that has the lock
  PRIMARY KEY (trace_id, kind, part, object)
) STRICT, WITHOUT ROWID;

-- Who waits for whom in a finding.
CREATE TABLE finding_wait(
  trace_id INTEGER NOT NULL,
  kind     TEXT    NOT NULL,
  part     INTEGER NOT NULL,
  g        INTEGER NOT NULL,
  object   INTEGER NOT NULL,
  held_by  INTEGER,
  PRIMARY KEY (trace_id, kind, part, g, object)
) STRICT, WITHOUT ROWID;

-- What a finding is about, in words that outlast an edit of the program and another run of it: the
-- functions, files and expressions.  No lines, goroutines, counts or times.  sql/finding_rank.sql.
CREATE TABLE finding_term(
  trace_id INTEGER NOT NULL,
  kind     TEXT    NOT NULL,
  part     INTEGER NOT NULL,
  field    TEXT    NOT NULL, -- 'blocked func', 'born file', 'object' ...
  text     TEXT    NOT NULL,
  PRIMARY KEY (trace_id, kind, part, field, text)
) STRICT, WITHOUT ROWID;

-- What becomes of a finding.  One row each.
CREATE TABLE finding_status(
  trace_id    INTEGER NOT NULL,
  kind        TEXT    NOT NULL,
  part        INTEGER NOT NULL,
  fingerprint TEXT    NOT NULL, -- of its kind and terms: 16 hex digits
  level       INTEGER NOT NULL, -- how certain: 3 proven, 2 probable, 1 less, 0 a note
  counts      INTEGER NOT NULL, -- 1: for the exit status
  known       INTEGER,          -- 1: the baseline has it, 0: it has not, NULL: there is none
  suppressed  INTEGER NOT NULL, -- 1: a suppression matches it: in no report
  left_out    INTEGER NOT NULL, -- 1: by an option such as --since: in no report
  PRIMARY KEY (trace_id, kind, part)
) STRICT, WITHOUT ROWID;

-- The findings that are reported.
CREATE VIEW shown AS
SELECT f.*, s.fingerprint, coalesce(s.counts, 0) AS counts, coalesce(s.known, 0) AS known
FROM finding f
LEFT JOIN finding_status s ON s.trace_id = f.trace_id AND s.kind = f.kind AND s.part = f.part
WHERE coalesce(s.suppressed, 0) = 0 AND coalesce(s.left_out, 0) = 0;

-- What the kinds of findings mean, in a sentence: docs/verdicts.md.
CREATE TABLE finding_kind(
  kind TEXT NOT NULL PRIMARY KEY,
  text TEXT NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO finding_kind(kind, text) VALUES
  ('abandoned-lock', 'A goroutine waits for a lock whose holder has ended.'),
  ('alive-at-exit', 'A goroutine was alive when main returned, and not blocked for good.'),
  ('global-deadlock', 'Every goroutine waits, and nobody is left to wake one of them.'),
  ('hidden-deadlock', 'Main can never be woken again, but something else goes on, so nobody noticed.'),
  ('leak', 'A goroutine waits for something that nobody alive can cause any more.'),
  ('leak-growth', 'One place starts goroutines that do not end, and they become ever more.'),
  ('livelock', 'Goroutines repeat the same steps for ever, and none gets anywhere.'),
  ('lock-deadlock', 'Goroutines wait in a circle for each other''s locks.'),
  ('lock-order', 'Locks are taken in different orders: another run may deadlock.'),
  ('lost-wakeup', 'A goroutine waits on a condition that was signalled before it came.'),
  ('misuse', 'The program broke a rule of the runtime and was stopped.'),
  ('partial-deadlock', 'Goroutines wait for each other, while the others go on.'),
  ('poll', 'A goroutine asks again and again instead of waiting.'),
  ('pool-exhausted', 'Every worker thread is in a call, and goroutines wait to run.'),
  ('runaway-spawn', 'One place starts goroutines faster than they end, for long.'),
  ('spin', 'A goroutine uses a processor for long without a scheduling event.'),
  ('starved', 'A goroutine was ready for long, and others ran.'),
  ('stuck-call', 'A call outside the runtime lasts for long and computes nothing.');
