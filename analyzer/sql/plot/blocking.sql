-- SPDX-License-Identifier: MIT
--
-- How long goroutines waited at each place, longest first; until the end, for those that still do.  The
-- kind is one of: 1 channel, 2 select, 3 lock, 4 sleep, 5 I/O, 6 call; reasons are the list `reason` in
-- the table word.

-- @waits
SELECT coalesce(s.func, '') AS func, coalesce(s.file, '') AS file, coalesce(s.line, 0) AS line,
       coalesce(s.text, '') AS text, coalesce(r.text, 'waits') AS reason,
       CASE WHEN w.reason BETWEEN 1 AND 4 THEN 1
            WHEN w.reason IN (5, 6) THEN 2
            WHEN w.reason = 12 THEN 4
            WHEN w.reason = 13 THEN 5
            WHEN w.reason = 16 THEN 6
            ELSE 3 END AS kind,
       w.ns, w.waits, w.longest_ns, w.still
FROM site_wait w
LEFT JOIN site s ON s.trace_id = (SELECT min(trace_id) FROM trace) AND s.site = w.site
LEFT JOIN word r ON r.list = 'reason' AND r.number = nullif(w.reason, 0)
WHERE w.trace_id = (SELECT min(trace_id) FROM trace) AND w.ns > 0
ORDER BY w.ns DESC, w.site, w.reason;
