-- SPDX-License-Identifier: MIT
--
-- The findings, worst first.
SELECT kind, part, id, certainty, severity, title, why, hint, count, since_ns,
       blocked_file, blocked_line, blocked_func, blocked_text,
       born_file, born_line, born_func, born_text, touches_gap
FROM shown
WHERE trace_id = (SELECT min(trace_id) FROM trace)
ORDER BY id IS NULL, id, kind, part;
