-- SPDX-License-Identifier: MIT
--
-- What is compared, asked of each of the two traces.

-- @trace
SELECT file, program, duration_ns, started, peak, older + started - ended, partial
FROM trace WHERE trace_id = (SELECT min(trace_id) FROM trace);

-- @sites
-- Goroutines by where they are spawned: the file, the function and what is called, not the line.  Growth
-- is what the second half of the run added, if anything.  A wait is a goroutine's, a delay is between being ready and
-- running, each time.
WITH one AS (SELECT trace_id, duration_ns FROM trace WHERE trace_id = (SELECT min(trace_id) FROM trace)),
life AS (
  SELECT g.g, g.born_ns, g.ended_ns, g.older, coalesce(nullif(s.file, ''), '?') AS file, coalesce(s.line, 0) AS line,
         coalesce(nullif(s.func, ''), CASE g.g WHEN 1 THEN 'main' ELSE '?' END) AS func,
         coalesce(s.text, '') AS text
  FROM goroutine g
  JOIN one ON one.trace_id = g.trace_id
  LEFT JOIN site s ON s.trace_id = g.trace_id AND s.site = g.born_site
),
step AS (
  SELECT file, func, text, born_ns AS ts_ns, 1 AS step FROM life
  UNION ALL
  SELECT file, func, text, ended_ns, -1 FROM life WHERE ended_ns IS NOT NULL
),
level AS (
  SELECT file, func, text, sum(step) OVER (
           PARTITION BY file, func, text ORDER BY ts_ns, step ROWS UNBOUNDED PRECEDING) AS alive
  FROM step
),
top AS (SELECT file, func, text, max(max(alive), 1) AS peak FROM level GROUP BY file, func, text),
spent AS (
  SELECT i.g, sum(CASE i.state WHEN 3 THEN coalesce(i.to_ns, one.duration_ns) - i.from_ns END) AS wait_ns,
         sum(CASE i.state WHEN 1 THEN coalesce(i.to_ns, one.duration_ns) - i.from_ns END) AS delay_ns,
         sum(i.state = 1) AS turns
  FROM interval i
  JOIN one ON one.trace_id = i.trace_id
  WHERE i.state IN (1, 3)
  GROUP BY i.g
)
SELECT l.file, l.func, l.text, min(l.line), count(*) - sum(l.older) AS started, t.peak,
       count(*) - count(l.ended_ns) AS at_end,
       max(count(*) - count(l.ended_ns) - sum(l.born_ns <= one.duration_ns / 2
         AND (l.ended_ns IS NULL OR l.ended_ns > one.duration_ns / 2)), 0) AS growth,
       coalesce(sum(s.wait_ns), 0) / count(*) AS wait_ns,
       coalesce(sum(s.delay_ns) / nullif(sum(s.turns), 0), 0) AS delay_ns
FROM life l
JOIN one
JOIN top t ON t.file = l.file AND t.func = l.func AND t.text = l.text
LEFT JOIN spent s ON s.g = l.g
GROUP BY l.file, l.func, l.text;

-- @findings
SELECT fingerprint, kind, title, coalesce(nullif(blocked_file, ''), born_file, ''),
       coalesce(CASE WHEN blocked_file <> '' THEN blocked_line ELSE born_line END, 0)
FROM shown
WHERE trace_id = (SELECT min(trace_id) FROM trace) AND severity <> 'info'
ORDER BY id;
