-- SPDX-License-Identifier: MIT
--
-- How long goroutines lived; for those alive at the end, so far; of those born before, nobody knows.  In no
-- order that matters.

-- @lives
SELECT max(coalesce(g.ended_ns, t.duration_ns) - g.born_ns, 0) AS life_ns,
       CASE WHEN g.older = 1 THEN 2 WHEN g.ended_ns IS NULL THEN 1 ELSE 0 END AS what
FROM trace t
CROSS JOIN goroutine g ON g.trace_id = t.trace_id
WHERE t.trace_id = (SELECT min(trace_id) FROM trace);
