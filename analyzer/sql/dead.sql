-- SPDX-License-Identifier: MIT
--
-- What detect/graph.c reads to find the dead set, and the row it writes.

-- @trace
SELECT end IN ('exit', 'stopped') AND main_ended_ns IS NOT NULL, end = 'deadlock',
       coalesce(level, '') = 'sched', main_ended_ns IS NOT NULL, coalesce(last_wake_ns, -1), broken,
       begin_ns IS NOT NULL
FROM trace WHERE trace_id = 1;

-- @spin
SELECT spin_ns FROM trace WHERE trace_id = 1;

-- @goroutines
SELECT g.g, coalesce(g.parent, 0), g.born_ns, i.state, coalesce(i.reason, 0), coalesce(i.flags, 0),
       i.from_ns, g.foreign_thread IS NOT NULL
FROM still i
CROSS JOIN goroutine g ON g.trace_id = i.trace_id AND g.g = i.g
WHERE i.trace_id = 1 AND g.ended_ns IS NULL
ORDER BY i.g;

-- @spinners
-- A sample counts if it lies in the goroutine's last stretch: nothing has happened to it since.
SELECT b.g
FROM busy b
JOIN goroutine g ON g.trace_id = b.trace_id AND g.g = b.g AND g.ended_ns IS NULL
JOIN still i ON i.trace_id = g.trace_id AND i.g = g.g
WHERE b.trace_id = 1 AND b.ts_ns >= i.from_ns AND i.state IN (2, 5) AND b.cpu_ns >= ?1
GROUP BY b.g;

-- @waits
SELECT w.g, w.object, w.from_ns, w.until_ns IS NOT NULL,
       coalesce(o.type IN ('mutex', 'rwmutex'), w.op IN ('mutex lock', 'rwmutex lock', 'rwmutex rlock')),
       coalesce(o.made_ns, 0), o.made_ns IS NULL, 0
FROM wait_on w
LEFT JOIN object o ON o.trace_id = w.trace_id AND o.object = w.object
WHERE w.trace_id = 1
ORDER BY w.g;

-- @repeats
SELECT g FROM repeat WHERE trace_id = 1 ORDER BY g;

-- @repeat_waits
-- Who repeats itself waits for all that it uses.  A lock that is used so has no rule of its own: who uses it counts.
SELECT w.g, w.object, w.from_ns, w.timed,
       w.op IN ('mutex lock', 'rwmutex lock', 'rwmutex rlock')
         AND w.object NOT IN (SELECT object FROM repeat_on WHERE trace_id = 1 AND now),
       coalesce(o.made_ns, 0), o.made_ns IS NULL, 0
FROM (SELECT g, object, op, from_ns, until_ns IS NOT NULL AS timed FROM wait_on
      WHERE trace_id = 1 AND g NOT IN (SELECT g FROM repeat WHERE trace_id = 1)
      UNION ALL
      SELECT r.g, r.object, '', p.since_ns, 0
      FROM repeat_on r
      JOIN repeat p ON p.trace_id = r.trace_id AND p.g = r.g
      WHERE r.trace_id = 1 AND r.now) w
LEFT JOIN object o ON o.trace_id = 1 AND o.object = w.object
ORDER BY w.g;

-- @role_waits
SELECT w.g, w.object, w.from_ns, w.until_ns IS NOT NULL,
       coalesce(o.type IN ('mutex', 'rwmutex'), w.op IN ('mutex lock', 'rwmutex lock', 'rwmutex rlock')),
       coalesce(o.made_ns, 0), o.made_ns IS NULL,
       NOT EXISTS (SELECT 1 FROM use u
                   WHERE u.trace_id = w.trace_id AND u.object = w.object AND u.g = w.g AND u.op <> w.op)
FROM wait_on w
LEFT JOIN object o ON o.trace_id = w.trace_id AND o.object = w.object
WHERE w.trace_id = 1
ORDER BY w.g;

-- @touches
-- Who has had to do with a waited-for object, and since when.  Who holds it as a lock has done so for
-- himself alone: a time that no descendant's birth comes after.  Who has had to do with a context may
-- cancel it, and so those below it.
WITH RECURSIVE up(object, above) AS (
  SELECT object, cap FROM object
  WHERE trace_id = 1 AND type = 'context' AND object IN (SELECT object FROM wait_on WHERE trace_id = 1)
  UNION
  SELECT up.object, o.cap FROM up JOIN object o ON o.trace_id = 1 AND o.object = up.above)
SELECT g, object, min(ts_ns)
FROM (SELECT g, object, first_ns AS ts_ns FROM use
      WHERE trace_id = 1 AND object IN (SELECT object FROM wanted WHERE trace_id = 1)
      UNION ALL
      SELECT g, object, ts_ns FROM give
      WHERE trace_id = 1 AND object IN (SELECT object FROM wanted WHERE trace_id = 1)
      UNION ALL
      SELECT made_by, object, made_ns FROM object
      WHERE trace_id = 1 AND made_by IS NOT NULL
        AND object IN (SELECT object FROM wanted WHERE trace_id = 1)
      UNION ALL
      SELECT u.g, up.object, u.first_ns
      FROM up CROSS JOIN use u ON u.trace_id = 1 AND u.object = up.above
      UNION ALL
      SELECT v.g, up.object, v.ts_ns
      FROM up CROSS JOIN give v ON v.trace_id = 1 AND v.object = up.above
      UNION ALL
      SELECT o.made_by, up.object, o.made_ns
      FROM up CROSS JOIN object o ON o.trace_id = 1 AND o.object = up.above
      WHERE o.made_by IS NOT NULL
      UNION ALL
      SELECT g, object, 9223372036854775807 FROM hold
      WHERE trace_id = 1 AND to_ns IS NULL
        AND object IN (SELECT object FROM wanted WHERE trace_id = 1))
GROUP BY g, object, ts_ns = 9223372036854775807
ORDER BY g, 3;

-- @holders
SELECT object, g, mode = 'rwmutex rlock' FROM hold
WHERE trace_id = 1 AND to_ns IS NULL AND object IN (SELECT object FROM wanted WHERE trace_id = 1)
ORDER BY object;

-- @actors
-- Who could end a wait for something that is no lock, and whether that is known: has done so, or was given
-- the object and has not used it yet.  The workers of a wait group are done once each, and so never known.
SELECT w.object, u.g, u.op <> 'waitgroup done'
FROM (SELECT DISTINCT object, op FROM wait_on WHERE trace_id = 1) w
JOIN (SELECT 'chan receive' AS op, 'chan send' AS by
      UNION ALL SELECT 'chan receive', 'chan close'
      UNION ALL SELECT 'chan send', 'chan receive'
      UNION ALL SELECT 'cond wait', 'cond signal'
      UNION ALL SELECT 'cond wait', 'cond broadcast'
      UNION ALL SELECT 'waitgroup wait', 'waitgroup done'
      UNION ALL SELECT 'sem acquire', 'sem release') a ON a.op = w.op
CROSS JOIN use u -- in this order: of few objects what was done to them
WHERE u.trace_id = 1 AND u.object = w.object AND u.op = a.by
UNION ALL
SELECT v.object, v.g, 1
FROM give v
WHERE v.trace_id = 1 AND v.object IN (SELECT object FROM wait_on WHERE trace_id = 1)
  AND NOT EXISTS (SELECT 1 FROM use u
                  WHERE u.trace_id = 1 AND u.object = v.object AND u.g = v.g);

-- @timers
-- That of a context ends those below it as well.
WITH RECURSIVE up(object, above) AS (
  SELECT object, cap FROM object
  WHERE trace_id = 1 AND type = 'context' AND object IN (SELECT object FROM wait_on WHERE trace_id = 1)
  UNION
  SELECT up.object, o.cap FROM up JOIN object o ON o.trace_id = 1 AND o.object = up.above)
SELECT object FROM timer
WHERE trace_id = 1 AND stopped_ns IS NULL
UNION
SELECT up.object FROM up JOIN timer t ON t.trace_id = 1 AND t.object = up.above
WHERE t.stopped_ns IS NULL;

-- @reach
-- What the last complete snapshot that looked for an object says of it, and whether nobody ran meanwhile:
-- one that was taken because somebody spins, or for a dump, is taken while that goes on.
SELECT r.object, r.ts_ns, max(r.place), max(last.kind NOT IN ('spin', 'request'))
FROM reach r
JOIN (SELECT r2.object, max(r2.snap) AS snap, max(s.kind) AS kind
      FROM reach r2
      JOIN snapshot s ON s.trace_id = r2.trace_id AND s.snap = r2.snap AND s.end_ns IS NOT NULL
      WHERE r2.trace_id = 1 GROUP BY r2.object) last
  ON last.object = r.object AND last.snap = r.snap
WHERE r.trace_id = 1
GROUP BY r.object;

-- @young
-- Who has waited no longer than the longest wait at that place took that ended, and a tenth of a second, since the
-- machine may have been busy.  Looked for only if there is a wait that no holder of a lock and no snapshot speaks for.
WITH asked AS (
  SELECT e.g, i.site, i.from_ns
  FROM (SELECT DISTINCT w.g FROM wait_on w
        LEFT JOIN reach r ON r.trace_id = w.trace_id AND r.object = w.object AND r.ts_ns >= w.from_ns
        WHERE w.trace_id = 1 AND r.object IS NULL
          AND w.op NOT IN ('mutex lock', 'rwmutex lock', 'rwmutex rlock')) e
  JOIN goroutine g ON g.trace_id = 1 AND g.g = e.g
  JOIN still i ON i.trace_id = 1 AND i.g = g.g
  WHERE i.state = 3), took AS (
  SELECT site, max(to_ns - from_ns) AS ns FROM interval
  WHERE trace_id = 1 AND state = 3 AND to_ns IS NOT NULL
    AND EXISTS (SELECT 1 FROM asked) AND site IN (SELECT site FROM asked)
  GROUP BY site)
SELECT a.g
FROM asked a
JOIN trace t ON t.trace_id = 1
JOIN took k ON k.site = a.site
WHERE t.duration_ns - a.from_ns <= k.ns + 100000000
ORDER BY a.g;

-- @gap
SELECT coalesce(max(to_ns), -1) FROM gap WHERE trace_id = 1;

-- @parent
SELECT coalesce(parent, 0), born_ns, foreign_thread IS NOT NULL
FROM goroutine WHERE trace_id = 1 AND g = ?1;

-- @dead
INSERT INTO dead(trace_id, g, sure, ring, behind, main, gap, loop)
VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7);

-- @clear
DELETE FROM dead WHERE trace_id = 1;

-- @loop_wait
INSERT OR IGNORE INTO loop_wait(trace_id, g, object, on_g) VALUES (1, ?1, ?2, ?3);

-- @loop_clear
DELETE FROM loop_wait WHERE trace_id = 1;
