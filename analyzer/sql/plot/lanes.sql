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

-- @threads
SELECT thread, kind, tid FROM thread
WHERE trace_id = (SELECT min(trace_id) FROM trace);

-- @handoffs
SELECT ts_ns, from_thread, to_thread, why FROM handoff
WHERE trace_id = (SELECT min(trace_id) FROM trace)
ORDER BY n;
