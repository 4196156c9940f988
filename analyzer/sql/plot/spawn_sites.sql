-- SPDX-License-Identifier: MIT
--
-- What became of the goroutines of each place that spawns: those with a finding first, then by how many
-- were alive at once.  Site -1 stands for main, 0 for unknown.
WITH one(trace_id) AS (SELECT min(trace_id) FROM trace),
life AS (
  SELECT coalesce(g.born_site, CASE g.g WHEN 1 THEN -1 ELSE 0 END) AS site, g.g, g.born_ns, g.ended_ns, g.older
  FROM goroutine g
  WHERE g.trace_id = (SELECT trace_id FROM one)
),
change AS (
  SELECT site, born_ns AS ts_ns, 1 AS step FROM life
  UNION ALL
  SELECT site, ended_ns, -1 FROM life WHERE ended_ns IS NOT NULL
),
level AS (
  SELECT site, sum(step) OVER (PARTITION BY site ORDER BY ts_ns, step ROWS UNBOUNDED PRECEDING) AS alive
  FROM change
),
top AS (SELECT site, max(max(alive), 1) AS peak FROM level GROUP BY site),
found AS (
  SELECT l.site, count(*) AS stuck, min(f.id) AS id
  FROM finding f
  JOIN finding_goroutine fg ON fg.trace_id = f.trace_id AND fg.kind = f.kind AND fg.part = f.part
  JOIN life l ON l.g = fg.g
  WHERE f.trace_id = (SELECT trace_id FROM one) AND f.severity <> 'info'
  GROUP BY l.site
),
total AS (
  SELECT site, count(*) - sum(older) AS started, count(ended_ns) AS ended, count(*) - count(ended_ns) AS alive
  FROM life GROUP BY site
)
SELECT t.site, t.started, t.ended, t.alive, p.peak,
       CASE t.site WHEN -1 THEN 'main' ELSE coalesce(nullif(s.func, ''), 'unknown') END AS func,
       s.file, s.line, s.text, f.id AS finding, f.stuck
FROM total t
JOIN top p ON p.site = t.site
LEFT JOIN site s ON s.trace_id = (SELECT trace_id FROM one) AND s.site = t.site
LEFT JOIN found f ON f.site = t.site
ORDER BY f.id IS NULL, p.peak DESC, t.started DESC, t.site;
