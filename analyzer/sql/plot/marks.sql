-- SPDX-License-Identifier: MIT
--
-- Findings and when they began, for the vertical lines.
SELECT since_ns, id, kind
FROM shown
WHERE trace_id = (SELECT min(trace_id) FROM trace)
  AND since_ns IS NOT NULL
  AND severity <> 'info'
ORDER BY since_ns, id;
