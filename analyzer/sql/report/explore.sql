-- SPDX-License-Identifier: MIT
--
-- What `gtrace run --explore` asks of each run.

-- @signatures
-- The findings that count, each with what tells it from others of the same program in other runs.
SELECT s.fingerprint, f.kind, f.title, f.certainty, coalesce(f.blocked_file, f.born_file, ''),
       coalesce(f.blocked_line, f.born_line, 0), coalesce(f.blocked_func, f.born_func, '')
FROM finding f
JOIN finding_status s ON s.trace_id = f.trace_id AND s.kind = f.kind AND s.part = f.part
WHERE f.trace_id = 1 AND s.level >= ?1
ORDER BY f.id;
