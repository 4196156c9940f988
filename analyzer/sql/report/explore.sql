-- SPDX-License-Identifier: MIT
--
-- What `gtrace run --explore` asks of each run.

-- @signatures
-- The findings that count, each with what tells it from others of the same program in other runs.
SELECT kind || '|' || coalesce(blocked_func, '') || '|' || coalesce(blocked_text, '') || '|' ||
       coalesce(born_func, '') || '|' || coalesce(born_text, ''),
       kind, title, certainty, coalesce(blocked_file, born_file, ''),
       coalesce(blocked_line, born_line, 0), coalesce(blocked_func, born_func, '')
FROM finding
WHERE trace_id = 1 AND CASE certainty
        WHEN 'proven' THEN 3
        WHEN 'probable' THEN 2
        WHEN 'fact' THEN CASE severity WHEN 'error' THEN 3 WHEN 'warning' THEN 1 ELSE 0 END
        ELSE CASE severity WHEN 'info' THEN 0 ELSE 1 END END >= ?1
ORDER BY id;
