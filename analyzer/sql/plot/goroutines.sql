-- SPDX-License-Identifier: MIT

-- @stretches
-- How long a goroutine was in which state; in no order that matters.  The state is one of the bands of
-- the plot: 1 stuck for good (as a finding says), 2 channel, 3 select, 4 lock, 5 sleep, 6 I/O, 7 call,
-- 8 runnable, 9 running.  Reasons are the list `reason` in the table word.
SELECT i.from_ns, coalesce(i.to_ns, -1),
       CASE
         WHEN i.state = 2 THEN 9
         WHEN i.state = 1 THEN 8
         WHEN i.state = 5 THEN 7
         WHEN i.to_ns IS NULL AND i.g IN (
           SELECT fg.g FROM finding_goroutine fg
           WHERE fg.trace_id = (SELECT min(trace_id) FROM trace)
             AND fg.kind IN ('global-deadlock', 'hidden-deadlock', 'lock-deadlock',
                             'abandoned-lock', 'partial-deadlock', 'leak', 'lost-wakeup')
         ) THEN 1
         WHEN i.reason BETWEEN 1 AND 4 THEN 2
         WHEN i.reason IN (5, 6) THEN 3
         WHEN i.reason = 12 THEN 5
         WHEN i.reason = 13 THEN 6
         WHEN i.reason = 16 THEN 7
         ELSE 4
       END AS band
FROM interval i
WHERE i.trace_id = (SELECT min(trace_id) FROM trace);
