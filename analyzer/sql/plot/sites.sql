-- SPDX-License-Identifier: MIT
--
-- Births and ends of goroutines with the place that spawned them, in order of time.  Sites as in
-- spawn_sites.sql.
WITH life AS (
  SELECT coalesce(born_site, CASE g WHEN 1 THEN -1 ELSE 0 END) AS site, born_ns, ended_ns
  FROM goroutine
  WHERE trace_id = (SELECT min(trace_id) FROM trace)
)
SELECT born_ns AS ts_ns, site, 1 AS step FROM life
UNION ALL
SELECT ended_ns, site, -1 FROM life WHERE ended_ns IS NOT NULL
ORDER BY ts_ns;
