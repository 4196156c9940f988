-- SPDX-License-Identifier: MIT
--
-- Who took which lock while it had which in the findings lock-order, for the drawings, as graph.sql has it.

-- @goroutines
-- With where they were born; who takes for writing what another one reads twice, with where it does.
WITH who AS (
  SELECT m.g, (SELECT h.site
               FROM lock_circle c
               JOIN nest n ON n.trace_id = c.trace_id AND n.nest = c.nest
               JOIN hold h ON h.trace_id = c.trace_id AND h.object = n.outer AND h.g = c.writer
               WHERE c.trace_id = 1 AND c.circle = f.part AND c.writer = m.g AND h.mode = 'rwmutex lock'
                 AND NOT EXISTS (SELECT 1 FROM site s
                                 WHERE s.trace_id = h.trace_id AND s.site = h.site AND s.op = 'rwmutex trylock')
               ORDER BY h.count LIMIT 1) AS write_site,
         (SELECT g.born_site FROM goroutine g WHERE g.trace_id = 1 AND g.g = m.g) AS born_site
  FROM shown f
  JOIN finding_goroutine m ON m.trace_id = f.trace_id AND m.kind = f.kind AND m.part = f.part
  WHERE f.trace_id = 1 AND f.id = ?1 AND f.kind = 'lock-order'
)
SELECT w.g, 1, coalesce((SELECT 'g' || substr(l.label, 11) FROM goroutine_name l WHERE l.trace_id = 1 AND l.g = w.g),
                        'g' || w.g),
       coalesce(CASE WHEN w.write_site IS NULL THEN 'born at ' ELSE 'writes at ' END ||
                substr(s.file, length(rtrim(s.file, replace(s.file, '/', ''))) + 1), ''),
       coalesce(s.line, 0), 0
FROM who w
LEFT JOIN site s ON s.trace_id = 1 AND s.site = coalesce(w.write_site, w.born_site)
ORDER BY w.g;

-- @edges
-- Of kind 1 from a lock to who had it, with the place where it was taken, 0 to what was taken then, and where.
WITH circle AS (
  SELECT n.*, c.writer
  FROM shown f
  JOIN lock_circle c ON c.trace_id = f.trace_id AND c.circle = f.part
  JOIN nest n ON n.trace_id = c.trace_id AND n.nest = c.nest
  WHERE f.trace_id = 1 AND f.id = ?1 AND f.kind = 'lock-order'
),
edge(kind, g, object, word, site) AS (
  SELECT 1, g, outer, 'since ', outer_site FROM circle
  UNION ALL
  SELECT 0, g, object, CASE WHEN outer = object THEN 'takes it again, ' ELSE 'takes it, ' END, site FROM circle
  UNION ALL
  SELECT 0, writer, outer, NULL, NULL FROM circle WHERE writer IS NOT NULL
)
SELECT e.kind, e.g, e.object,
       coalesce((SELECT o.type || ' "' || o.name || '"' FROM object_name o
                 WHERE o.trace_id = 1 AND o.object = e.object), 'object ' || e.object),
       coalesce(s.file, ''), coalesce(s.line, 0), 1,
       coalesce(e.word || substr(p.file, length(rtrim(p.file, replace(p.file, '/', ''))) + 1) || ':' || p.line, '')
FROM edge e
LEFT JOIN object b ON b.trace_id = 1 AND b.object = e.object
LEFT JOIN site s ON s.trace_id = 1 AND s.site = b.made_site
LEFT JOIN site p ON p.trace_id = 1 AND p.site = e.site
ORDER BY e.kind DESC, e.g, e.object;

-- @findings
-- The first 20.
SELECT f.id, f.kind, f.title
FROM shown f
WHERE f.trace_id = 1 AND f.kind = 'lock-order'
ORDER BY f.id
LIMIT 20;

-- @count
SELECT count(*) FROM shown WHERE trace_id = 1 AND kind = 'lock-order';
