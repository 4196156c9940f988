-- SPDX-License-Identifier: MIT
--
-- Numbers the findings, worst first.  What is the cause of a deadlock comes before it.
UPDATE finding SET id = r.id
FROM (SELECT f.trace_id, f.kind, f.part, row_number() OVER (
               PARTITION BY f.trace_id
               ORDER BY CASE f.severity WHEN 'error' THEN 1 WHEN 'warning' THEN 2 ELSE 3 END,
                        CASE f.kind WHEN 'misuse' THEN 1 WHEN 'lock-deadlock' THEN 2
                                    WHEN 'abandoned-lock' THEN 3 WHEN 'partial-deadlock' THEN 4
                                    WHEN 'lost-wakeup' THEN 5
                                    WHEN 'global-deadlock' THEN 6 WHEN 'hidden-deadlock' THEN 7
                                    WHEN 'leak' THEN 8 WHEN 'spin' THEN 9
                                    WHEN 'poll' THEN 10 WHEN 'runaway-spawn' THEN 11
                                    WHEN 'pool-exhausted' THEN 12
                                    WHEN 'starved' THEN 13 WHEN 'stuck-call' THEN 14
                                    WHEN 'leak-growth' THEN 15 ELSE 16 END,
                        CASE f.certainty WHEN 'proven' THEN 1 WHEN 'probable' THEN 2 ELSE 3 END,
                        f.count DESC, f.part) AS id
      FROM finding f) r
WHERE r.trace_id = finding.trace_id AND r.kind = finding.kind AND r.part = finding.part;
