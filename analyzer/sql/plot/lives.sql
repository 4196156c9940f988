-- SPDX-License-Identifier: MIT
--
-- Goroutines, with the place that spawned them; 0 stands for unknown, -1 for main.
SELECT g, coalesce(born_site, CASE g WHEN 1 THEN -1 ELSE 0 END), born_ns, coalesce(ended_ns, -1), older
FROM goroutine
WHERE trace_id = (SELECT min(trace_id) FROM trace)
ORDER BY g;
