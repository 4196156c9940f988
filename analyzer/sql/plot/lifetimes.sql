-- SPDX-License-Identifier: MIT
--
-- How long goroutines lived; for those alive at the end, so far.  In no order that matters.

-- @lives
SELECT max(coalesce(g.ended_ns, t.duration_ns) - g.born_ns, 0) AS life_ns, g.ended_ns IS NULL AS alive
FROM trace t
CROSS JOIN goroutine g ON g.trace_id = t.trace_id
WHERE t.trace_id = (SELECT min(trace_id) FROM trace);
