-- SPDX-License-Identifier: MIT
--
-- Waits on channels.

-- @busiest
-- The channels that goroutines waited for longest; until the end, for those that still do.
SELECT w.object, o.cap, coalesce(nullif(ltrim(s.text, '*&'), ''), '#' || w.object) AS name,
       coalesce(s.file, '') AS file, coalesce(s.line, 0) AS line
FROM object_wait w
JOIN object o ON o.trace_id = w.trace_id AND o.object = w.object AND o.type = 'chan'
LEFT JOIN site s ON s.trace_id = o.trace_id AND s.site = o.made_site
WHERE w.trace_id = (SELECT min(trace_id) FROM trace) AND w.ns > 0
ORDER BY w.ns DESC, w.object
LIMIT 7;

-- @waits
-- When goroutines waited for channels, and whether to receive; in no order that matters.
SELECT object, reason = 1 AS receives, from_ns, coalesce(to_ns, -1)
FROM interval
WHERE trace_id = (SELECT min(trace_id) FROM trace)
  AND state = 3 AND reason IN (1, 2) AND object IS NOT NULL;
