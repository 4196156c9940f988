-- SPDX-License-Identifier: MIT
--
-- The statements that fill the tables, each under its name.  Those whose parameters have no numbers are run with
-- VALUES for many rows as well.

-- @begin
BEGIN;

-- @commit
COMMIT;

-- @word
INSERT OR IGNORE INTO word(list, number, text) VALUES (?1, ?2, ?3);

-- @trace
INSERT INTO trace(trace_id, file, program, pid, start_wall_ns, duration_ns, events, lost_events,
                  lost_batches, bytes, end, end_code, seed, level, maxprocs, main_ended_ns, panic,
                  older, started, ended, peak, peak_ns, last_wake_ns, broken, sidecar, partial, spin_ns,
                  replay, begin_ns, reason, recorder_cpu_ns, stalls, stall_ns, batches,
                  panic_ns, panic_g, panic_site)
VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,
        ?20, ?21, ?22, ?23, ?24, ?25, 1000000000, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33,
        ?34, ?35);

-- @origin
UPDATE trace SET argv = ?1, clock = ?2, tick_ps = ?3, cpus = ?4, version = ?5, runtime = ?6, format = ?7
WHERE trace_id = 1;

-- @site
INSERT INTO site(trace_id, site, file, line, func, op, text) VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6);

-- @module
INSERT OR IGNORE INTO module(trace_id, base, size, path, build_id) VALUES (1, ?1, ?2, ?3, ?4);

-- @thread
INSERT INTO thread(trace_id, thread, kind, tid, start_ns) VALUES (1, ?1, ?2, ?3, ?4)
ON CONFLICT (trace_id, thread) DO UPDATE SET kind = excluded.kind, tid = excluded.tid;

-- @thread_end
UPDATE thread SET end_ns = ?2 WHERE trace_id = 1 AND thread = ?1;

-- @goroutine
INSERT OR IGNORE INTO goroutine(trace_id, g, name, parent, born_site, born_ns, ended_ns, entry,
                                intervals, foreign_thread, depth, waited_ns, older)
VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- @spawn
INSERT OR IGNORE INTO spawn(trace_id, site, older, started, ended, lives, lives_ns, longest_ns, lived_ns, waited_ns,
                            first_ns, last_ns, depth_min, depth_max)
VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13);

-- @interval_block
-- Of two goroutines with one number, which only a damaged trace has, the first.
INSERT OR IGNORE INTO interval_block(trace_id, g, n, from_ns, data) VALUES (1, ?, ?, ?, ?);

-- @still
INSERT INTO still(trace_id, g, n, from_ns, state, reason, object, site, flags, thread)
VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- @long_wait
INSERT OR IGNORE INTO long_wait(trace_id, g, n, from_ns, to_ns, reason, object, site, flags, woken_by, waker,
                                wake_object)
VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11);

-- @ready
INSERT INTO ready(trace_id, ns, count) VALUES (1, ?1, ?2);

-- @wait_on
INSERT OR IGNORE INTO wait_on(trace_id, g, object, op, from_ns, until_ns)
VALUES (1, ?, ?, ?, ?, ?);

-- @object_wait
INSERT INTO object_wait(trace_id, object, waits, ns, longest_ns, queue, reason, site)
VALUES (1, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (trace_id, object) DO UPDATE SET
  waits = waits + excluded.waits, ns = ns + excluded.ns,
  longest_ns = max(longest_ns, excluded.longest_ns), queue = max(queue, excluded.queue),
  reason = coalesce(excluded.reason, reason), site = coalesce(excluded.site, site);

-- @site_wait
INSERT INTO site_wait(trace_id, site, reason, waits, ns, longest_ns, still)
VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6);

-- @object
INSERT INTO object(trace_id, object, type, made_site, made_by, made_ns, cap, closed_ns, closed_by, close_site,
                   woken, freed_ns)
VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (trace_id, object) DO NOTHING;

-- @object_close
UPDATE object SET closed_ns = ?2, closed_by = ?3, close_site = ?4, woken = ?5
WHERE trace_id = 1 AND object = ?1;

-- @object_free
UPDATE object SET freed_ns = ?2 WHERE trace_id = 1 AND object = ?1;

-- @use_block
INSERT INTO use_block(trace_id, bucket, cell, n, data) VALUES (1, ?, ?, ?, ?);

-- @give
INSERT OR IGNORE INTO give(trace_id, g, object, ts_ns) VALUES (1, ?, ?, ?);

-- @hold_block
INSERT INTO hold_block(trace_id, bucket, cell, n, data) VALUES (1, ?, ?, ?, ?);

-- @poll
INSERT OR IGNORE INTO poll(trace_id, g, site, yields, count, from_ns, last_ns)
VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6);

-- @late
INSERT OR IGNORE INTO late(trace_id, g, n, from_ns, to_ns) VALUES (1, ?1, ?2, ?3, ?4);

-- @nest
INSERT INTO nest(trace_id, nest, g, outer, outer_mode, outer_site, outer_ns, object, mode, site, ts_ns)
VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10);

-- @nest_gate
INSERT OR IGNORE INTO nest_gate(trace_id, nest, object, mode) VALUES (1, ?1, ?2, ?3);

-- @timer
INSERT OR REPLACE INTO timer(trace_id, object, armed_ns, armed_by, due_ns, period_ns, site, fired,
                             stopped_ns)
VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?);

-- @handoff
INSERT INTO handoff(trace_id, n, ts_ns, from_thread, to_thread, why, g)
VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6);

-- @busy
INSERT OR REPLACE INTO busy(trace_id, g, ts_ns, thread, run_ns, cpu_ns, pc)
VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6);

-- @stack
INSERT INTO stack(trace_id, g, n, stack) VALUES (1, ?1, ?2, ?3);

-- @frame
INSERT INTO frame(trace_id, stack, n, pc) VALUES (1, ?1, ?2, ?3);

-- @snapshot
INSERT INTO snapshot(trace_id, snap, ts_ns, kind, goroutines) VALUES (1, ?1, ?2, ?3, ?4);

-- @snapshot_end
UPDATE snapshot SET end_ns = ?2 WHERE trace_id = 1 AND snap = ?1;

-- @reach
INSERT INTO reach(trace_id, object, snap, n, ts_ns, place, what)
VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6);

-- @gap
INSERT INTO gap(trace_id, n, thread, from_ns, to_ns, batches, events)
VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6);

-- @mark
INSERT INTO mark(trace_id, n, ts_ns, g, category, text) VALUES (1, ?1, ?2, ?3, ?4, ?5);
