-- SPDX-License-Identifier: MIT
--
-- What is exported as stacks with numbers: pprof and folded.  Each row is a stack: the call's function,
-- file and line, what the goroutine began with, where it was born, what it did, its name, its verdict,
-- how often, for how long; if one was recorded its number, and the function at its outer end.

-- @goroutine
-- Goroutines alive at the end.  What waits for nothing is where it was seen last.
WITH at_end AS (
  SELECT e.*, (SELECT p.site FROM interval p
               WHERE p.trace_id = e.trace_id AND p.g = e.g AND p.site IS NOT NULL
               ORDER BY p.n DESC LIMIT 1) AS last_site,
         (SELECT max(b.ts_ns) FROM busy b
          WHERE b.trace_id = e.trace_id AND b.g = e.g AND b.ts_ns >= e.since_ns AND b.func IS NOT NULL
            AND e.state IN (2, 5)) AS busy_ns
  FROM goroutine_at_end e
  WHERE e.trace_id = 1)
SELECT coalesce(b.func, s.func), CASE WHEN b.g IS NULL THEN s.file ELSE coalesce(b.file, '') END,
       CASE WHEN b.g IS NULL THEN s.line ELSE coalesce(b.line, 0) END,
       e.born_text, e.born_func, e.born_file, e.born_line,
       CASE WHEN e.state = 3 THEN e.reason_text ELSE w.text END, e.name,
       (SELECT min(f.kind) FROM finding_goroutine f
        WHERE f.trace_id = e.trace_id AND f.g = e.g AND f.kind <> 'alive-at-exit'),
       count(*), sum(t.duration_ns - e.since_ns), k.stack,
       (SELECT y.func FROM symbol y WHERE y.trace_id = k.trace_id AND y.pc = g.entry AND y.n = 0)
FROM at_end e
JOIN goroutine g ON g.trace_id = e.trace_id AND g.g = e.g
LEFT JOIN stack k ON k.trace_id = e.trace_id AND k.g = e.g AND k.n = g.intervals - 1
JOIN trace t ON t.trace_id = e.trace_id
LEFT JOIN site s ON s.trace_id = e.trace_id AND s.site = e.last_site
LEFT JOIN busy b ON b.trace_id = e.trace_id AND b.g = e.g AND b.ts_ns = e.busy_ns
LEFT JOIN word w ON w.list = 'state' AND w.number = e.state
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14
ORDER BY 11 DESC, 12 DESC, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14;

-- @block
-- Waits, those that go on at the end too.
SELECT s.func, s.file, s.line, b.text, b.func, b.file, b.line, w.text, NULL, NULL, i.count, i.ns, i.stack,
       (SELECT y.func FROM symbol y WHERE y.trace_id = 1 AND y.pc = i.entry AND y.n = 0)
FROM (SELECT v.trace_id, v.site, v.reason, g.born_site, count(*) AS count,
             sum(coalesce(v.to_ns, t.duration_ns) - v.from_ns) AS ns, k.stack, max(g.entry) AS entry
      FROM interval v
      JOIN trace t ON t.trace_id = v.trace_id
      JOIN goroutine g ON g.trace_id = v.trace_id AND g.g = v.g
      LEFT JOIN stack k ON k.trace_id = v.trace_id AND k.g = v.g AND k.n = v.n
      WHERE v.trace_id = 1 AND v.state = 3
      GROUP BY v.trace_id, v.site, v.reason, g.born_site, k.stack) i
LEFT JOIN site s ON s.trace_id = i.trace_id AND s.site = i.site
LEFT JOIN site b ON b.trace_id = i.trace_id AND b.site = i.born_site
LEFT JOIN word w ON w.list = 'reason' AND w.number = i.reason
ORDER BY 12 DESC, 11 DESC, 1, 2, 3, 4, 5, 6, 7, 8, 13;

-- @delay
-- From being ready to run until running, at the place of the wait before; the newborn have none.
SELECT s.func, s.file, s.line, b.text, b.func, b.file, b.line, w.text, NULL, NULL, i.count, i.ns, i.stack,
       (SELECT y.func FROM symbol y WHERE y.trace_id = 1 AND y.pc = i.entry AND y.n = 0)
FROM (SELECT v.trace_id, p.site,
             CASE v.n WHEN 0 THEN 0 ELSE p.reason END AS after, g.born_site, count(*) AS count,
             sum(coalesce(v.to_ns, t.duration_ns) - v.from_ns) AS ns, k.stack, max(g.entry) AS entry
      FROM interval v
      JOIN trace t ON t.trace_id = v.trace_id
      JOIN goroutine g ON g.trace_id = v.trace_id AND g.g = v.g
      LEFT JOIN interval p ON p.trace_id = v.trace_id AND p.g = v.g AND p.n = v.n - 1 AND p.state = 3
      LEFT JOIN stack k ON k.trace_id = p.trace_id AND k.g = p.g AND k.n = p.n
      WHERE v.trace_id = 1 AND v.state = 1
      GROUP BY 1, 2, 3, 4, k.stack) i
LEFT JOIN site s ON s.trace_id = i.trace_id AND s.site = i.site
LEFT JOIN site b ON b.trace_id = i.trace_id AND b.site = i.born_site
LEFT JOIN (SELECT number, text FROM word WHERE list = 'reason' AND number > 0
           UNION ALL SELECT 0, 'birth') w ON w.number = i.after
ORDER BY 12 DESC, 11 DESC, 1, 2, 3, 4, 5, 6, 7, 8, 13;

-- @frames
-- Those of the stack ?1, innermost first, and whether they have a symbol; those without are called by their
-- file and the place there.
SELECT coalesce(y.func, (SELECT printf('%s+0x%x', substr(m.path, length(rtrim(m.path, replace(m.path, '/', ''))) + 1),
                                       f.pc - m.base)
                         FROM module m
                         WHERE m.trace_id = 1 AND f.pc >= m.base AND f.pc - m.base < m.size
                         LIMIT 1), printf('0x%x', f.pc)),
       coalesce(y.file, ''), coalesce(y.line, 0), y.pc IS NOT NULL
FROM frame f
LEFT JOIN symbol y ON y.trace_id = 1 AND y.pc = f.pc
WHERE f.trace_id = 1 AND f.stack = ?1
ORDER BY f.n, y.n;

-- @run
SELECT coalesce(start_wall_ns + coalesce(begin_ns, 0), 0), duration_ns, coalesce(program, ''), file,
       coalesce(maxprocs, 0)
FROM trace WHERE trace_id = 1;
