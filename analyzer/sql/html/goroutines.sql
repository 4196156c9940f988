-- SPDX-License-Identifier: MIT
--
-- The first goroutines of a finding.
SELECT fg.g, g.name
FROM finding_goroutine fg
LEFT JOIN goroutine g ON g.trace_id = fg.trace_id AND g.g = fg.g
WHERE fg.trace_id = (SELECT min(trace_id) FROM trace) AND fg.kind = :kind AND fg.part = :part
ORDER BY fg.g
LIMIT 300;
