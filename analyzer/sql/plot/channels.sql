-- SPDX-License-Identifier: MIT

-- @busiest
-- The channels that goroutines waited for longest; until the end, for those that still do.  A trace may
-- have a million objects: what they are is asked of those alone that may come to it, if a hundred of all
-- have seven channels among them.  Of one that was made before the trace, the last wait tells that it is
-- a channel, and how it is called there.
WITH top AS (
  SELECT w.ns
  FROM (SELECT trace_id, object, ns, reason FROM object_wait
        WHERE trace_id = (SELECT min(trace_id) FROM trace)
        ORDER BY ns DESC LIMIT 100) w
  LEFT JOIN object o ON o.trace_id = w.trace_id AND o.object = w.object
  WHERE coalesce(o.type = 'chan', w.reason IN (1, 2))
)
SELECT w.object, o.cap, coalesce(nullif(ltrim(s.text, '*&'), ''), '#' || w.object) AS name,
       coalesce(s.file, '') AS file, coalesce(s.line, 0) AS line
FROM object_wait w
LEFT JOIN object o ON o.trace_id = w.trace_id AND o.object = w.object
LEFT JOIN site s ON s.trace_id = w.trace_id
                AND s.site = CASE WHEN o.object IS NULL THEN w.site ELSE o.made_site END
WHERE w.trace_id = (SELECT min(trace_id) FROM trace) AND w.ns > 0
  AND w.ns >= coalesce((SELECT ns FROM top ORDER BY ns DESC LIMIT 1 OFFSET 6), 0)
  AND coalesce(o.type = 'chan', w.reason IN (1, 2))
ORDER BY w.ns DESC, w.object
LIMIT 7;
