-- SPDX-License-Identifier: MIT
--
-- What the plots threads and heat read.

-- @places
-- Where goroutines are spawned.  0 stands for unknown, -1 for main.
SELECT site, func, file, line, text
FROM (SELECT site, func, file, line, text
      FROM site
      WHERE trace_id = (SELECT min(trace_id) FROM trace) AND op = 'go'
      UNION ALL SELECT 0, 'unknown', '', 0, ''
      UNION ALL SELECT -1, 'main', '', 0, '')
ORDER BY site;

-- @runs
-- Which thread ran goroutines, and of which place; in no order that matters.
SELECT i.thread, i.from_ns, i.to_ns, i.state,
       coalesce(g.born_site, CASE g.g WHEN 1 THEN -1 ELSE 0 END) AS site
FROM goroutine g
CROSS JOIN interval i ON i.trace_id = g.trace_id AND i.g = g.g
WHERE g.trace_id = (SELECT min(trace_id) FROM trace) AND i.state IN (2, 5) AND i.thread IS NOT NULL;

-- @threads
SELECT thread, kind, tid FROM thread
WHERE trace_id = (SELECT min(trace_id) FROM trace);

-- @handoffs
SELECT ts_ns, from_thread, to_thread, why FROM handoff
WHERE trace_id = (SELECT min(trace_id) FROM trace)
ORDER BY n;
