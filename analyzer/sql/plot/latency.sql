-- SPDX-License-Identifier: MIT
--
-- How long goroutines were ready before they ran, by when that ended; in no order that matters.

-- @delays
SELECT coalesce(i.to_ns, t.duration_ns) AS ts_ns,
       max(coalesce(i.to_ns, t.duration_ns) - i.from_ns, 0) AS delay_ns
FROM trace t
CROSS JOIN interval i ON i.trace_id = t.trace_id
WHERE t.trace_id = (SELECT min(trace_id) FROM trace) AND i.state = 1;
