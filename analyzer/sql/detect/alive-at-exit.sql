-- SPDX-License-Identifier: MIT
--
-- alive-at-exit: alive when main returned, and not dead: it ran, slept, or had nothing to do.  A fact.
-- Who had run, or waited to run, for less than 0.1 s is left out: it was on its way.  So is a foreign
-- thread in its own code: it does not end with main.
--
-- Who is in the dead set of a program that has exited may be an idle worker: it waited for work that main,
-- or somebody still alive, could have sent until the last moment.  Such goroutines go to the table idle,
-- and leak.sql leaves them out.  What tells them from leaks:
--   a snapshot found what they wait for in memory, not only on stacks of parked goroutines; or
--   no snapshot looked, they wait to be given something (a send is no such wait), and whoever gave it
--   before, or made the object, was main, or alive and not dead, or idle.
-- But: the counterpart has dropped the object if it did not touch it in the second half of the run, nor in
-- the last second, and a sibling waits at the same place for another object: one leak per request.

DELETE FROM idle;
DELETE FROM finding WHERE kind = 'alive-at-exit';
DELETE FROM finding_goroutine WHERE kind = 'alive-at-exit';
DELETE FROM finding_object WHERE kind = 'alive-at-exit';

-- What a snapshot said of an object, at last.
CREATE TEMP TABLE IF NOT EXISTS looked(trace_id BIGINT, object BIGINT, found BIGINT,
                                       PRIMARY KEY (trace_id, object));
DELETE FROM looked;
INSERT INTO looked(trace_id, object, found)
SELECT r.trace_id, r.object, max(CASE r.place WHEN 0 THEN 0 ELSE 1 END)
FROM reach r
WHERE r.snap = (SELECT max(l.snap) FROM reach l WHERE l.trace_id = r.trace_id AND l.object = r.object)
GROUP BY r.trace_id, r.object;

-- Who could have ended such a wait: (object, what the waiter does) -> goroutine, and its last touch.
CREATE TEMP TABLE IF NOT EXISTS giver(trace_id BIGINT, object BIGINT, op TEXT, g BIGINT,
                                      last_ns BIGINT);
DELETE FROM giver;
INSERT INTO giver(trace_id, object, op, g, last_ns)
SELECT u.trace_id, u.object, a.op, u.g, max(u.last_ns)
FROM use u
JOIN (SELECT 'chan receive' AS op, 'chan send' AS by
      UNION ALL SELECT 'chan receive', 'chan close'
      UNION ALL SELECT 'cond wait', 'cond signal'
      UNION ALL SELECT 'cond wait', 'cond broadcast'
      UNION ALL SELECT 'waitgroup wait', 'waitgroup add'
      UNION ALL SELECT 'waitgroup wait', 'waitgroup done'
      UNION ALL SELECT 'sem acquire', 'sem release') a ON a.by = u.op
WHERE EXISTS (SELECT 1 FROM trace t WHERE t.trace_id = u.trace_id AND t.main_ended_ns IS NOT NULL)
  AND (u.trace_id, u.object) IN (SELECT w.trace_id, w.object FROM wait_on w)
GROUP BY u.trace_id, u.object, a.op, u.g;
INSERT INTO giver(trace_id, object, op, g, last_ns)
SELECT DISTINCT o.trace_id, o.object, w.op, o.made_by, o.made_ns
FROM object o
JOIN wait_on w ON w.trace_id = o.trace_id AND w.object = o.object
JOIN trace t ON t.trace_id = o.trace_id AND t.main_ended_ns IS NOT NULL
WHERE o.made_by IS NOT NULL AND o.type NOT IN ('mutex', 'rwmutex') AND w.op <> 'chan send';
INSERT INTO giver(trace_id, object, op, g, last_ns)
SELECT DISTINCT h.trace_id, h.object, w.op, h.g, t.duration_ns
FROM (SELECT DISTINCT v.trace_id, v.object, v.op
      FROM trace x
      CROSS JOIN wait_on v
      WHERE x.main_ended_ns IS NOT NULL AND EXISTS (SELECT 1 FROM hold y WHERE y.trace_id = x.trace_id)
        AND v.trace_id = x.trace_id) w
CROSS JOIN hold h -- in this order: of few objects who has them
JOIN trace t ON t.trace_id = h.trace_id
WHERE h.trace_id = w.trace_id AND h.object = w.object AND h.to_ns IS NULL;

-- Objects of siblings that wait at one place for different things.
CREATE TEMP TABLE IF NOT EXISTS many(trace_id BIGINT, site BIGINT, born_site BIGINT,
                                     PRIMARY KEY (trace_id, site, born_site));
DELETE FROM many;
INSERT INTO many(trace_id, site, born_site)
SELECT e.trace_id, coalesce(e.site, 0), coalesce(e.born_site, 0)
FROM goroutine_at_end e
JOIN dead d ON d.trace_id = e.trace_id AND d.g = e.g
WHERE e.object IS NOT NULL
GROUP BY e.trace_id, coalesce(e.site, 0), coalesce(e.born_site, 0)
HAVING min(e.object) <> max(e.object);

-- Cycles of waits with a lock in them: who holds a lock over a wait is never idle.
CREATE TEMP TABLE IF NOT EXISTS locked(trace_id BIGINT, loop BIGINT, PRIMARY KEY (trace_id, loop));
DELETE FROM locked;
INSERT INTO locked(trace_id, loop)
SELECT DISTINCT d.trace_id, d.loop
FROM dead d
JOIN wait_on w ON w.trace_id = d.trace_id AND w.g = d.g
WHERE d.kind = 'partial-deadlock' AND w.op IN ('mutex lock', 'rwmutex lock', 'rwmutex rlock');

-- Objects that somebody idle or alive still had, step by step along a pipeline.
INSERT INTO idle(trace_id, g)
WITH RECURSIVE
had(trace_id, object, op) AS (
  SELECT v.trace_id, v.object, v.op
  FROM giver v
  JOIN trace t ON t.trace_id = v.trace_id
  JOIN goroutine g ON g.trace_id = v.trace_id AND g.g = v.g
  WHERE (v.g = 1 OR (g.ended_ns IS NULL AND NOT EXISTS (
          SELECT 1 FROM dead d WHERE d.trace_id = v.trace_id AND d.g = v.g)))
    AND NOT EXISTS (SELECT 1 FROM looked l WHERE l.trace_id = v.trace_id AND l.object = v.object)
    AND NOT (v.g = 1 AND EXISTS (
          SELECT 1 FROM wait_on w
          JOIN goroutine_at_end e ON e.trace_id = w.trace_id AND e.g = w.g
          JOIN many m ON m.trace_id = e.trace_id AND m.site = coalesce(e.site, 0)
                     AND m.born_site = coalesce(e.born_site, 0)
          WHERE w.trace_id = v.trace_id AND w.object = v.object)
        AND (SELECT max(x.last_ns) FROM giver x
             WHERE x.trace_id = v.trace_id AND x.object = v.object)
            < CASE WHEN t.duration_ns < 2000000000 THEN t.duration_ns - 1000000000
                   ELSE t.duration_ns / 2 END)
  UNION
  SELECT l.trace_id, l.object, w.op
  FROM looked l
  JOIN wait_on w ON w.trace_id = l.trace_id AND w.object = l.object
  JOIN trace t ON t.trace_id = l.trace_id AND t.main_ended_ns IS NOT NULL
  WHERE l.found = 1
  UNION
  SELECT v.trace_id, v.object, v.op
  FROM had h
  JOIN wait_on w ON w.trace_id = h.trace_id AND w.object = h.object AND w.op = h.op
  JOIN giver v ON v.trace_id = w.trace_id AND v.g = w.g
  JOIN goroutine_at_end e ON e.trace_id = w.trace_id AND e.g = w.g
)
SELECT DISTINCT d.trace_id, d.g
FROM had h
JOIN wait_on w ON w.trace_id = h.trace_id AND w.object = h.object AND w.op = h.op
JOIN dead d ON d.trace_id = w.trace_id AND d.g = w.g
WHERE d.ring IS NULL AND d.behind IS NULL AND coalesce(d.kind, '') NOT IN ('abandoned-lock', 'misuse')
  AND NOT EXISTS (SELECT 1 FROM locked k WHERE k.trace_id = d.trace_id AND k.loop = d.loop);

-- A cycle of waits without a lock is none if somebody in it could still have been given work.
UPDATE dead SET kind = NULL
WHERE kind = 'partial-deadlock'
  AND (trace_id, loop) IN (SELECT d.trace_id, d.loop FROM dead d
                           JOIN idle i ON i.trace_id = d.trace_id AND i.g = d.g);

INSERT INTO finding_goroutine(trace_id, kind, part, g)
SELECT e.trace_id, 'alive-at-exit',
       min(e.g) OVER (PARTITION BY e.trace_id, e.state, coalesce(e.site, 0), coalesce(e.born_site, 0)),
       e.g
FROM goroutine_at_end e
JOIN trace t ON t.trace_id = e.trace_id AND t.main_ended_ns IS NOT NULL
LEFT JOIN dead d ON d.trace_id = e.trace_id AND d.g = e.g
LEFT JOIN idle i ON i.trace_id = e.trace_id AND i.g = e.g
LEFT JOIN spinner s ON s.trace_id = e.trace_id AND s.g = e.g
LEFT JOIN poller p ON p.trace_id = e.trace_id AND p.g = e.g
WHERE e.g <> 1 AND (d.g IS NULL OR i.g IS NOT NULL) AND s.g IS NULL AND p.g IS NULL
  AND NOT (e.state IN (1, 2) AND t.duration_ns - e.since_ns < 100000000)
  AND NOT (e.state = 5 AND e.foreign_thread IS NOT NULL);

INSERT INTO finding(trace_id, kind, part, certainty, severity, title, why, hint, count, since_ns,
                    blocked_file, blocked_line, blocked_func, blocked_text, born_file, born_line,
                    born_func, born_text, touches_gap)
SELECT f.trace_id, f.kind, f.part, 'fact', 'info',
       f.n || CASE f.n WHEN 1 THEN ' goroutine' ELSE ' goroutines' END ||
         CASE e.state WHEN 3 THEN ' waiting in ' || coalesce(b.blocked_text, e.reason_text, 'a wait')
                      WHEN 1 THEN ' ready to run' WHEN 5 THEN ' in a call outside' ELSE ' running' END ||
         ' when main returned',
       CASE WHEN i.g IS NOT NULL THEN 'idle: the program could still have given them work'
            ELSE 'main did not wait for them' END ||
         coalesce('; kept alive by ' || k.what ||
                  CASE k.n WHEN 1 THEN '' ELSE ' and ' || (k.n - 1) || ' more' END ||
                  ', which has ' || k.name, ''),
       NULL, f.n, f.since_ns, e.file, e.line, e.func, coalesce(b.blocked_text, ''),
       e.born_file, e.born_line, e.born_func, 'go ' || e.born_text, 0
FROM (SELECT m.trace_id, m.kind, m.part, count(*) AS n, min(x.from_ns) AS since_ns
      FROM finding_goroutine m
      JOIN still x ON x.trace_id = m.trace_id AND x.g = m.g
      WHERE m.kind = 'alive-at-exit'
      GROUP BY m.trace_id, m.kind, m.part) f
JOIN goroutine_at_end e ON e.trace_id = f.trace_id AND e.g = f.part
LEFT JOIN blocked b ON b.trace_id = f.trace_id AND b.g = f.part
LEFT JOIN idle i ON i.trace_id = f.trace_id AND i.g = f.part
LEFT JOIN (SELECT w.trace_id, w.g, min('"' || o.name || '"') AS name, min(r.what) AS what,
                  count(DISTINCT r.what) AS n
           FROM wait_on w
           JOIN reach r ON r.trace_id = w.trace_id AND r.object = w.object AND r.place <> 0 AND r.what <> ''
           JOIN object_name o ON o.trace_id = w.trace_id AND o.object = w.object
           WHERE r.snap = (SELECT max(l.snap) FROM reach l WHERE l.trace_id = r.trace_id AND l.object = r.object)
           GROUP BY w.trace_id, w.g) k ON k.trace_id = f.trace_id AND k.g = f.part;

INSERT INTO finding_object(trace_id, kind, part, object)
SELECT DISTINCT f.trace_id, f.kind, f.part, w.object
FROM finding f
JOIN wait_on w ON w.trace_id = f.trace_id AND w.g = f.part
WHERE f.kind = 'alive-at-exit';

DROP TABLE looked;
DROP TABLE giver;
DROP TABLE many;
DROP TABLE locked;
