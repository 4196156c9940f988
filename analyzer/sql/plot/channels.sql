-- SPDX-License-Identifier: MIT
--
-- Waits on channels.

-- @busiest
-- The channels that goroutines waited for longest; until the end, for those that still do.
SELECT w.object, o.cap, coalesce(nullif(ltrim(s.text, '*&'), ''), '#' || w.object) AS name,
       coalesce(s.file, '') AS file, coalesce(s.line, 0) AS line
FROM (SELECT i.object, sum(max(coalesce(i.to_ns, t.duration_ns) - i.from_ns, 0)) AS total_ns
      FROM trace t
      CROSS JOIN interval i ON i.trace_id = t.trace_id
      WHERE t.trace_id = (SELECT min(trace_id) FROM trace)
        AND i.state = 3 AND i.reason IN (1, 2) AND i.object IS NOT NULL
      GROUP BY i.object) w
JOIN object o ON o.trace_id = (SELECT min(trace_id) FROM trace) AND o.object = w.object
LEFT JOIN site s ON s.trace_id = o.trace_id AND s.site = o.made_site
WHERE w.total_ns > 0
ORDER BY w.total_ns DESC, w.object
LIMIT 7;

-- @waits
-- When goroutines waited for channels, and whether to receive; in no order that matters.
SELECT object, reason = 1 AS receives, from_ns, coalesce(to_ns, -1)
FROM interval
WHERE trace_id = (SELECT min(trace_id) FROM trace)
  AND state = 3 AND reason IN (1, 2) AND object IS NOT NULL;
