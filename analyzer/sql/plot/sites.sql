-- SPDX-License-Identifier: MIT

-- @places
-- The places in the program, by number, with the worst finding about goroutines spawned there.  Site -1
-- stands for main, 0 for unknown.
WITH found AS (
  SELECT coalesce(g.born_site, CASE g.g WHEN 1 THEN -1 ELSE 0 END) AS site, min(f.id) AS id
  FROM finding f
  JOIN finding_goroutine fg ON fg.trace_id = f.trace_id AND fg.kind = f.kind AND fg.part = f.part
  JOIN goroutine g ON g.trace_id = fg.trace_id AND g.g = fg.g
  WHERE f.trace_id = (SELECT min(trace_id) FROM trace) AND f.severity <> 'info'
  GROUP BY 1
)
SELECT s.site, coalesce(nullif(s.func, ''), 'unknown') AS func, s.file, s.line, s.text, f.id AS finding
FROM (SELECT site, func, file, line, text FROM site
      WHERE trace_id = (SELECT min(trace_id) FROM trace)
      UNION ALL SELECT 0, 'unknown', '', 0, ''
      UNION ALL SELECT -1, 'main', '', 0, '') s
LEFT JOIN found f ON f.site = s.site
ORDER BY s.site;
