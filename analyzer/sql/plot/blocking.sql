-- SPDX-License-Identifier: MIT
--
-- How long goroutines waited at each place, longest first; until the end, for those that still do.  The
-- kind is one of: 1 channel, 2 select, 3 lock, 4 sleep, 5 I/O, 6 call; reasons are the list `reason` in
-- the table word.

-- @waits
WITH wait AS (
  SELECT i.site,
         CASE WHEN i.state = 5 THEN 16 ELSE i.reason END AS reason,
         max(coalesce(i.to_ns, t.duration_ns) - i.from_ns, 0) AS wait_ns,
         i.to_ns IS NULL AS still
  FROM trace t
  CROSS JOIN interval i ON i.trace_id = t.trace_id
  WHERE t.trace_id = (SELECT min(trace_id) FROM trace) AND i.state IN (3, 5)
)
SELECT coalesce(s.func, '') AS func, coalesce(s.file, '') AS file, coalesce(s.line, 0) AS line,
       coalesce(s.text, '') AS text, coalesce(r.text, 'waits') AS reason,
       CASE WHEN w.reason BETWEEN 1 AND 4 THEN 1
            WHEN w.reason IN (5, 6) THEN 2
            WHEN w.reason = 12 THEN 4
            WHEN w.reason = 13 THEN 5
            WHEN w.reason = 16 THEN 6
            ELSE 3 END AS kind,
       w.total_ns, w.waits, w.longest_ns, w.still
FROM (SELECT site, reason, sum(wait_ns) AS total_ns, count(*) AS waits, max(wait_ns) AS longest_ns,
             sum(still) AS still
      FROM wait
      GROUP BY site, reason) w
LEFT JOIN site s ON s.trace_id = (SELECT min(trace_id) FROM trace) AND s.site = w.site
LEFT JOIN word r ON r.list = 'reason' AND r.number = w.reason
WHERE w.total_ns > 0
ORDER BY w.total_ns DESC, w.site, w.reason;
