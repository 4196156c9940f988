-- SPDX-License-Identifier: MIT
--
-- The goroutines at the end, as show/at.sql has them: of those that do the same at the same place the first
-- five, and 200 in all.

-- @goroutines
SELECT e.g, CASE WHEN e.state = 3 THEN coalesce(nullif(e.reason_text, ''), 'waiting') ELSE w.text END,
       (t.duration_ns - e.since_ns) / 60000000000, e.foreign_thread IS NOT NULL,
       coalesce(b.func, s.func, ''), coalesce(CASE WHEN b.func IS NULL THEN s.file ELSE b.file END, ''),
       coalesce(CASE WHEN b.func IS NULL THEN s.line ELSE b.line END, 0), coalesce(e.born_text, ''),
       coalesce(e.parent, 0), coalesce(e.born_func, ''), coalesce(e.born_file, ''), coalesce(e.born_line, 0), p.n
FROM (SELECT x.*, row_number() OVER (PARTITION BY x.state, x.reason, x.site, x.born_site ORDER BY x.g) AS place
      FROM (SELECT g.g, g.born_site, i.n, i.state, i.reason, i.site
            FROM still i
            CROSS JOIN goroutine g ON g.trace_id = i.trace_id AND g.g = i.g
            WHERE i.trace_id = 1 AND g.ended_ns IS NULL) x) p
JOIN goroutine_at_end e ON e.trace_id = 1 AND e.g = p.g
JOIN trace t ON t.trace_id = 1
LEFT JOIN word w ON w.list = 'state' AND w.number = e.state
LEFT JOIN site s ON s.trace_id = 1 AND s.site =
          coalesce(e.site, (SELECT i.site FROM interval i
                            WHERE i.trace_id = 1 AND i.g = e.g AND i.site IS NOT NULL
                            ORDER BY i.n DESC LIMIT 1))
LEFT JOIN busy b ON b.trace_id = 1 AND b.g = e.g AND e.state = 2 AND
          b.ts_ns = (SELECT max(x.ts_ns) FROM busy x WHERE x.trace_id = 1 AND x.g = e.g
                    AND x.func IS NOT NULL AND x.ts_ns >= e.since_ns)
WHERE p.place <= 5
ORDER BY e.g
LIMIT 200;

-- @count
SELECT count(*) FROM still WHERE trace_id = 1;
