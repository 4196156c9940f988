-- SPDX-License-Identifier: MIT
--
-- runaway-spawn: goroutines that spawn goroutines, without an end: from one place came trace.spawn_count and
-- more, in each fifth of the time from the first to the last of them a tenth of that or more; the last came in
-- the second half of the trace, and main has not ended.  And either each fifth reached a deeper generation
-- than the one before; or they are a tree, whose depth rises but slowly: twenty times as many, of which not
-- one in a hundred has ended, deeper in the last fifth than in the first, and the last came in the last tenth
-- of the trace.  A fact.  A recursion that spawns is none: it is deepest early on, and its leaves end.

DELETE FROM finding WHERE kind = 'runaway-spawn';
DELETE FROM finding_goroutine WHERE kind = 'runaway-spawn';

-- Where that may be, by the sums of each place.
CREATE TEMP TABLE IF NOT EXISTS spawner(trace_id BIGINT, site BIGINT, from_ns BIGINT, long_ns BIGINT,
                                        PRIMARY KEY (trace_id, site));
DELETE FROM spawner;
INSERT INTO spawner(trace_id, site, from_ns, long_ns)
SELECT s.trace_id, s.site, s.first_ns, s.last_ns - s.first_ns + 1
FROM spawn s
JOIN trace t ON t.trace_id = s.trace_id AND t.main_ended_ns IS NULL AND t.end <> 'exit'
WHERE s.started >= 100 AND s.started >= t.spawn_count AND s.last_ns >= t.duration_ns / 2 AND s.depth_min < s.depth_max;

INSERT INTO finding(trace_id, kind, part, certainty, severity, title, why, hint, count, since_ns,
                    blocked_file, blocked_line, blocked_func, blocked_text, born_file, born_line,
                    born_func, born_text, touches_gap)
SELECT r.trace_id, 'runaway-spawn', r.first, 'fact', 'warning',
       'goroutines spawn goroutines without an end: ' || r.n || ' from one place',
       'the last of them are of generation ' || r.d5 || ', after ' || r.d1 || ' in the first fifth of that time; ' ||
         (r.n * 1000000000 / (t.duration_ns - r.first_ns + 1)) || ' a second, ' || r.alive ||
         ' alive at the end',
       'bound the number of goroutines: let a fixed number of workers take the work from a channel',
       r.alive, r.first_ns, s.file, s.line, s.func, 'go ' || s.text, s.file, s.line, s.func, 'go ' || s.text,
       CASE WHEN EXISTS (SELECT 1 FROM gap p WHERE p.trace_id = r.trace_id) THEN 1 ELSE 0 END
FROM (SELECT g.trace_id, g.born_site, count(*) AS n, min(g.g) AS first, min(g.born_ns) AS first_ns,
             max(g.born_ns) AS last_ns, count(CASE WHEN g.ended_ns IS NULL THEN 1 END) AS alive,
             max(CASE WHEN (g.born_ns - w.from_ns) * 5 / w.long_ns = 0 THEN g.depth END) AS d1,
             max(CASE WHEN (g.born_ns - w.from_ns) * 5 / w.long_ns = 1 THEN g.depth END) AS d2,
             max(CASE WHEN (g.born_ns - w.from_ns) * 5 / w.long_ns = 2 THEN g.depth END) AS d3,
             max(CASE WHEN (g.born_ns - w.from_ns) * 5 / w.long_ns = 3 THEN g.depth END) AS d4,
             max(CASE WHEN (g.born_ns - w.from_ns) * 5 / w.long_ns >= 4 THEN g.depth END) AS d5,
             min(t.spawn_count) AS least,
             count(CASE WHEN (g.born_ns - w.from_ns) * 5 / w.long_ns = 0 THEN 1 END) AS n1,
             count(CASE WHEN (g.born_ns - w.from_ns) * 5 / w.long_ns = 1 THEN 1 END) AS n2,
             count(CASE WHEN (g.born_ns - w.from_ns) * 5 / w.long_ns = 2 THEN 1 END) AS n3,
             count(CASE WHEN (g.born_ns - w.from_ns) * 5 / w.long_ns = 3 THEN 1 END) AS n4,
             count(CASE WHEN (g.born_ns - w.from_ns) * 5 / w.long_ns >= 4 THEN 1 END) AS n5
      FROM goroutine g
      CROSS JOIN spawner w
      JOIN trace t ON t.trace_id = g.trace_id
      WHERE g.trace_id IN (SELECT x.trace_id FROM spawner x) -- at once, if there is none
        AND w.trace_id = g.trace_id AND w.site = g.born_site AND g.older = 0
      GROUP BY g.trace_id, g.born_site) r
JOIN trace t ON t.trace_id = r.trace_id
LEFT JOIN site s ON s.trace_id = r.trace_id AND s.site = r.born_site
WHERE r.n >= r.least AND r.n1 * 10 >= r.least AND r.n2 * 10 >= r.least AND r.n3 * 10 >= r.least
  AND r.n4 * 10 >= r.least AND r.n5 * 10 >= r.least
  AND ((r.d1 < r.d2 AND r.d2 < r.d3 AND r.d3 < r.d4 AND r.d4 < r.d5)
       OR (r.n >= r.least * 20 AND (r.n - r.alive) * 100 <= r.n AND r.d1 < r.d5
           AND r.last_ns >= t.duration_ns / 10 * 9));

INSERT INTO finding_goroutine(trace_id, kind, part, g)
SELECT f.trace_id, f.kind, f.part, g.g
FROM finding f
JOIN goroutine o ON o.trace_id = f.trace_id AND o.g = f.part
JOIN goroutine g ON g.trace_id = f.trace_id AND g.born_site = o.born_site AND g.ended_ns IS NULL
WHERE f.kind = 'runaway-spawn';
DROP TABLE spawner;
