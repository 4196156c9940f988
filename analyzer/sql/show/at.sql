-- SPDX-License-Identifier: MIT
--
-- What the verb at shows.

-- @end
SELECT duration_ns FROM trace WHERE trace_id = 1;

-- @goroutines
-- Those alive at ?1: state, for how many minutes, the place of the last call, or where one that runs was last
-- seen by a sample, where it was born.  Of the last interval that begins at a time that is the same for several,
-- the later counts.
SELECT i.g, CASE WHEN i.state = 3 THEN coalesce(nullif(r.text, ''), 'waiting') ELSE w.text END,
       (?1 - i.from_ns) / 60000000000, g.foreign_thread IS NOT NULL,
       coalesce(y.func, s.func, ''), coalesce(CASE WHEN y.func IS NULL THEN s.file ELSE y.file END, ''),
       coalesce(CASE WHEN y.func IS NULL THEN s.line ELSE y.line END, 0), coalesce(b.text, ''),
       coalesce(g.parent, 0), coalesce(b.func, ''), coalesce(b.file, ''), coalesce(b.line, 0), i.n
FROM interval i
JOIN goroutine g ON g.trace_id = i.trace_id AND g.g = i.g
LEFT JOIN word w ON w.list = 'state' AND w.number = i.state
LEFT JOIN word r ON r.list = 'reason' AND r.number = i.reason
LEFT JOIN site b ON b.trace_id = g.trace_id AND b.site = g.born_site
LEFT JOIN site s ON s.trace_id = g.trace_id AND s.site =
          coalesce(i.site, (SELECT p.site FROM interval p
                            WHERE p.trace_id = i.trace_id AND p.g = i.g AND p.n < i.n AND p.site IS NOT NULL
                            ORDER BY p.n DESC LIMIT 1))
LEFT JOIN busy y ON y.trace_id = i.trace_id AND y.g = i.g AND i.state = 2 AND
          y.ts_ns = (SELECT max(x.ts_ns) FROM busy x
                     WHERE x.trace_id = i.trace_id AND x.g = i.g AND x.func IS NOT NULL
                       AND x.ts_ns BETWEEN i.from_ns AND ?1)
WHERE i.trace_id = 1 AND i.from_ns <= ?1 AND (i.to_ns IS NULL OR i.to_ns > ?1)
ORDER BY i.g;

-- @callers
-- Of the stack last seen in interval ?2 of goroutine ?1: the frames outside of the innermost one of function ?3,
-- without those of the runtime that began it all.
SELECT y.func, coalesce(y.file, ''), coalesce(y.line, 0)
FROM (SELECT f.n, y.n AS inlined, y.func, y.file, y.line,
             count(CASE y.func WHEN ?3 THEN 1 END) OVER (ORDER BY f.n, y.n ROWS UNBOUNDED PRECEDING) AS seen,
             row_number() OVER (PARTITION BY y.func ORDER BY f.n, y.n) AS place
      FROM stack k
      JOIN frame f ON f.trace_id = k.trace_id AND f.stack = k.stack
      JOIN symbol y ON y.trace_id = f.trace_id AND y.pc = f.pc
      WHERE k.trace_id = 1 AND k.g = ?1 AND k.n = ?2 AND y.func IS NOT NULL) y
WHERE y.seen > 0 AND NOT (y.func = ?3 AND y.place = 1) AND substr(y.func, 1, 5) <> 'gor__'
ORDER BY y.n, y.inlined;

-- @gaps
-- Stretches that the trace has lost then.
SELECT thread, from_ns, to_ns FROM gap WHERE trace_id = 1 AND from_ns <= ?1 AND to_ns >= ?1 ORDER BY n;
