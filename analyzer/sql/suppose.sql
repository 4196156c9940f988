-- SPDX-License-Identifier: MIT
--
-- What detect/suppose.c does: tables repeat, repeat_on and dead_if.

-- @clear
DELETE FROM dead_if;

-- @clear_repeat
DELETE FROM repeat;

-- @clear_repeat_on
DELETE FROM repeat_on;

-- @candidates
-- Alive and not dead, in a program whose main has not ended, and since since_ns round and round: either a round
-- (two intervals) trace.round_count times in the last trace.round_ns, or ten times as many in a tenth of that time
-- or more.  Or it asks in vain (view asker), which leaves no intervals if nobody else is there to run.
INSERT INTO repeat(trace_id, g, since_ns, rounds, asks)
SELECT x.trace_id, x.g, max(x.since_ns), max(x.rounds), max(x.asks)
FROM (SELECT g.trace_id, g.g, (g.intervals - 1) / 2 AS rounds, 0 AS asks,
             CASE WHEN few.from_ns >= t.duration_ns - t.round_ns AND g.born_ns <= t.duration_ns - t.round_ns
                  THEN t.duration_ns - t.round_ns
                  WHEN many.from_ns IS NOT NULL AND g.born_ns <= t.duration_ns - t.round_ns / 10
                  THEN min(many.from_ns, t.duration_ns - t.round_ns / 10) END AS since_ns
      FROM trace t
      CROSS JOIN still i ON i.trace_id = t.trace_id
      CROSS JOIN goroutine g ON g.trace_id = i.trace_id AND g.g = i.g
      LEFT JOIN interval few ON few.trace_id = g.trace_id AND few.g = g.g
                            AND few.n = g.intervals - 1 - 2 * t.round_count
      LEFT JOIN interval many ON many.trace_id = g.trace_id AND many.g = g.g
                             AND many.n = g.intervals - 1 - 20 * t.round_count
      WHERE g.ended_ns IS NULL AND g.foreign_thread IS NULL AND g.intervals > 2 * t.round_count
        AND t.main_ended_ns IS NULL AND t.end NOT IN ('exit', 'deadlock') AND t.partial = 0
      UNION ALL
      SELECT a.trace_id, a.g, a.count, 1, max(a.from_ns, t.duration_ns - t.round_ns)
      FROM asker a
      JOIN trace t ON t.trace_id = a.trace_id AND t.main_ended_ns IS NULL
                  AND t.end NOT IN ('exit', 'deadlock') AND t.partial = 0
      JOIN goroutine g ON g.trace_id = a.trace_id AND g.g = a.g AND g.foreign_thread IS NULL
      WHERE a.yields = 0 AND coalesce(a.ran_ns, 0) <= a.count * 20000) x
WHERE x.since_ns IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM dead d WHERE d.trace_id = x.trace_id AND d.g = x.g)
GROUP BY x.trace_id, x.g;

-- @step
-- Less who did anything but wait for others, yield and sleep in the last 512 intervals, or computed: more than
-- every other stretch took 20 us or more.  Who asks was measured by its tries.
DELETE FROM repeat
WHERE EXISTS (
  SELECT 1
  FROM goroutine g
  JOIN interval i ON i.trace_id = g.trace_id AND i.g = g.g AND i.n >= g.intervals - 512
  JOIN trace t ON t.trace_id = g.trace_id
  WHERE g.trace_id = repeat.trace_id AND g.g = repeat.g AND coalesce(i.to_ns, t.duration_ns) > repeat.since_ns
  GROUP BY g.g
  HAVING sum(i.state = 5 OR (i.state = 3 AND coalesce(i.reason, 0) <> 12
                             AND (coalesce(i.reason, 0) IN (0, 3, 4, 6, 13, 15, 16) OR coalesce(i.flags, 0) <> 0
                                  OR i.waker IS NOT NULL))) > 0
      OR (NOT repeat.asks
          AND sum(i.state = 2 AND coalesce(i.to_ns, t.duration_ns) - i.from_ns >= 20000) * 2 > sum(i.state = 2)));

-- @elsewhere
-- Less who has waited all that time: it goes round no more.
DELETE FROM repeat
WHERE NOT asks AND EXISTS (
  SELECT 1
  FROM goroutine g
  JOIN interval i ON i.trace_id = g.trace_id AND i.g = g.g AND i.n = g.intervals - 1
  JOIN trace t ON t.trace_id = g.trace_id
  WHERE g.trace_id = repeat.trace_id AND g.g = repeat.g AND i.state = 3
    AND i.from_ns < t.duration_ns - (t.duration_ns - repeat.since_ns) / 4);

-- @new
-- Less who started a goroutine meanwhile, made an object, used one for the first time, or a file.
DELETE FROM repeat
WHERE g IN (SELECT c.parent
            FROM goroutine c
            JOIN repeat r ON r.trace_id = c.trace_id AND r.g = c.parent
            WHERE c.born_ns > r.since_ns)
   OR g IN (SELECT o.made_by
            FROM object o
            JOIN repeat r ON r.trace_id = o.trace_id AND r.g = o.made_by
            WHERE o.made_ns > r.since_ns)
   OR g IN (SELECT u.g
            FROM use u
            CROSS JOIN repeat r
            WHERE r.trace_id = u.trace_id AND r.g = u.g
            GROUP BY u.g, u.object
            HAVING max(u.last_ns) > min(r.since_ns)
               AND (min(u.first_ns) > min(r.since_ns) OR max(u.op GLOB 'io*')));

-- @objects
INSERT INTO repeat_on(trace_id, object, g, gives, takes, now)
SELECT u.trace_id, u.object, u.g, max(u.op IN ('chan send', 'cond signal', 'cond broadcast', 'sem release')),
       max(u.op IN ('chan receive', 'cond wait', 'sem acquire')), max(u.last_ns) > min(r.since_ns)
FROM use u
CROSS JOIN repeat r
WHERE r.trace_id = u.trace_id AND r.g = u.g
GROUP BY u.trace_id, u.object, u.g;

-- @flow
-- Less who does not both give to and take from others that repeat themselves: where things enter the set, as
-- from a producer, or leave it, as to a consumer, something is being done.  Who asks in vain gets nothing.
DELETE FROM repeat
WHERE NOT asks AND g NOT IN (
  SELECT x.g
  FROM (SELECT o.g, o.gives AND (w.takers > 1 OR w.taker <> o.g) AS gives,
               o.takes AND (w.givers > 1 OR w.giver <> o.g) AS takes
        FROM repeat_on o
        JOIN (SELECT p.object, sum(p.takes) AS takers, max(CASE WHEN p.takes THEN p.g END) AS taker,
                     sum(p.gives) AS givers, max(CASE WHEN p.gives THEN p.g END) AS giver
              FROM repeat_on p
              JOIN repeat r ON r.trace_id = p.trace_id AND r.g = p.g
              GROUP BY p.object) w ON w.object = o.object) x
  GROUP BY x.g
  HAVING max(coalesce(x.gives, 0)) AND max(coalesce(x.takes, 0)));

-- @repeats
SELECT count(*) FROM repeat;

-- @roles
-- Does main wait, and is not dead, for what somebody who goes on waits for likewise?  Not if it has waited for a
-- tenth of a second only, since the machine may have been busy.
SELECT count(*)
FROM trace t
JOIN wait_on w ON w.trace_id = t.trace_id AND w.g = 1 AND w.until_ns IS NULL
JOIN wait_on v ON v.trace_id = w.trace_id AND v.object = w.object AND v.op = w.op AND v.g <> 1
WHERE t.main_ended_ns IS NULL AND t.end NOT IN ('exit', 'deadlock') AND t.partial = 0
  AND t.duration_ns - w.from_ns > 100000000
  AND NOT EXISTS (SELECT 1 FROM dead d WHERE d.trace_id = t.trace_id AND d.g = 1);

-- @dead_if
INSERT INTO dead_if(trace_id, supposed, g, member) VALUES (1, ?1, ?2, ?3);
