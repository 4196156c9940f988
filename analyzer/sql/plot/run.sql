-- SPDX-License-Identifier: MIT
--
-- What the titles say: the program's name without its folders; and the length of the run.
WITH run AS (
  SELECT coalesce(nullif(program, ''), file) AS name, duration_ns, trace_id
  FROM trace
  ORDER BY trace_id
  LIMIT 1
)
SELECT coalesce(nullif(substr(name, length(rtrim(name, replace(name, '/', ''))) + 1), ''), name), duration_ns, trace_id
FROM run;
