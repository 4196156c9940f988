-- SPDX-License-Identifier: MIT
--
-- What became of the goroutines of each place that spawns.  Site -1 stands for main, 0 for unknown.

-- @lives
-- Births and ends of goroutines with the place that spawned them, and whether they are older than the trace; in no
-- order.
SELECT born_site, g, born_ns, ended_ns, older FROM goroutine WHERE trace_id = 1;

-- @part_ns
-- A part of 60 of the run.
SELECT (max(duration_ns, 1) + 59) / 60 FROM trace WHERE trace_id = 1;

-- @life
INSERT INTO temp.site_life(site, p99_ns) VALUES (?1, ?2);

-- @level
INSERT INTO temp.site_level(site, part, top, step) VALUES (?1, ?2, ?3, ?4);

-- @sites
-- Those with a finding first, then by how many were alive at once; the first 100.
WITH found AS (
  SELECT coalesce(g.born_site, CASE g.g WHEN 1 THEN -1 ELSE 0 END) AS site, min(f.id) AS id
  FROM shown f
  CROSS JOIN finding_goroutine fg ON fg.trace_id = f.trace_id AND fg.kind = f.kind AND fg.part = f.part
  CROSS JOIN goroutine g ON g.trace_id = fg.trace_id AND g.g = fg.g
  WHERE f.trace_id = 1 AND f.severity <> 'info'
  GROUP BY 1
)
SELECT t.site, CASE t.site WHEN -1 THEN 'main' ELSE coalesce(nullif(s.func, ''), 'unknown') END AS func,
       s.file, s.line, s.text, t.started, t.ended, t.older + t.started - t.ended AS alive,
       (SELECT max(max(v.top), 1) FROM temp.site_level v WHERE v.site = t.site) AS peak,
       t.lives_ns / nullif(t.lives, 0) AS mean_ns, p.p99_ns,
       round(100.0 * nullif(t.waited_ns, 0) / nullif(t.lived_ns, 0)) AS blocked_percent, f.id AS finding, k.kind,
       EXISTS (SELECT 1 FROM shown w
               JOIN finding_goroutine fg ON fg.trace_id = w.trace_id AND fg.kind = w.kind AND fg.part = w.part
               JOIN goroutine g ON g.trace_id = fg.trace_id AND g.g = fg.g
               WHERE w.trace_id = 1 AND w.kind IN ('leak-growth', 'runaway-spawn') AND g.born_site = t.site) AS grows
FROM spawn t
LEFT JOIN temp.site_life p ON p.site = t.site
LEFT JOIN found f ON f.site = t.site
LEFT JOIN shown k ON k.trace_id = 1 AND k.id = f.id
LEFT JOIN site s ON s.trace_id = 1 AND s.site = t.site
WHERE t.trace_id = 1
ORDER BY f.id IS NULL, peak DESC, t.started DESC, t.site
LIMIT 100;

-- @count
SELECT count(DISTINCT site) FROM temp.site_level;

-- @spark
-- The parts of one site in which something changed.
SELECT part, top, step FROM temp.site_level WHERE site = ?1 ORDER BY part;
