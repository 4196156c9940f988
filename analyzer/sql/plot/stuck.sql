-- SPDX-License-Identifier: MIT
--
-- Goroutines that are stuck for good, as findings say; some more than once.
SELECT g
FROM finding_goroutine
WHERE trace_id = (SELECT min(trace_id) FROM trace)
  AND kind IN ('global-deadlock', 'hidden-deadlock', 'lock-deadlock',
               'abandoned-lock', 'partial-deadlock', 'leak', 'lost-wakeup')
ORDER BY g;
