-- SPDX-License-Identifier: MIT
--
-- Who waits for whom in the findings, for the drawings.  Goroutines that wait for the same at the same
-- place, and that nobody waits for, are one node; its number is the lowest one's.

-- @nodes
-- The temporary table wait_node.
INSERT INTO temp.wait_node(id, g, node)
WITH wait AS (
  SELECT f.id, w.g, w.object, w.held_by
  FROM finding_wait w
  JOIN shown f ON f.trace_id = w.trace_id AND f.kind = w.kind AND f.part = w.part
  WHERE w.trace_id = 1
),
wanted AS (
  SELECT id, held_by AS g FROM wait WHERE held_by IS NOT NULL
  UNION
  SELECT w.id, l.on_g FROM wait w JOIN loop_wait l ON l.trace_id = 1 AND l.g = w.g AND l.object = w.object
)
SELECT w.id, w.g,
       CASE WHEN h.g IS NOT NULL THEN w.g
            ELSE min(w.g) OVER (PARTITION BY w.id, h.g, w.low, w.high, w.n, e.site, e.born_site) END
FROM (SELECT id, g, min(object) AS low, max(object) AS high, count(*) AS n FROM wait GROUP BY id, g) w
LEFT JOIN wanted h ON h.id = w.id AND h.g = w.g
LEFT JOIN goroutine_at_end e ON e.trace_id = 1 AND e.g = w.g
UNION
SELECT id, g, g FROM wanted;

-- @goroutines
-- Those of the finding ?1, first who is waited for.
SELECT m.node, m.count, coalesce('g' || substr(n.label, 11), 'g' || m.node), coalesce(b.file, ''),
       coalesce(b.line, 0), g.ended_ns IS NOT NULL
FROM (SELECT node, count(*) AS count FROM temp.wait_node WHERE id = ?1 GROUP BY node) m
LEFT JOIN goroutine_name n ON n.trace_id = 1 AND n.g = m.node
LEFT JOIN goroutine g ON g.trace_id = 1 AND g.g = m.node
LEFT JOIN blocked b ON b.trace_id = 1 AND b.g = m.node
ORDER BY EXISTS (SELECT 1 FROM finding_wait w
                 JOIN shown f ON f.trace_id = w.trace_id AND f.kind = w.kind AND f.part = w.part
                 WHERE w.trace_id = 1 AND f.id = ?1 AND w.held_by = m.node) DESC, m.node;

-- @edges
-- Of kind 0 from a goroutine to an object that it waits for, 1 from a lock to who has it, 2 from an object
-- to who could end the wait.
WITH wait AS (
  SELECT w.g, d.node, w.object, w.held_by
  FROM finding_wait w
  JOIN shown f ON f.trace_id = w.trace_id AND f.kind = w.kind AND f.part = w.part
  JOIN temp.wait_node d ON d.id = f.id AND d.g = w.g
  WHERE w.trace_id = 1 AND f.id = ?1
),
edge(kind, g, object) AS (
  SELECT 0, node, object FROM wait
  UNION
  SELECT 1, held_by, object FROM wait WHERE held_by IS NOT NULL
  UNION
  SELECT 2, l.on_g, w.object
  FROM wait w
  JOIN loop_wait l ON l.trace_id = 1 AND l.g = w.g AND l.object = w.object
  WHERE w.held_by IS NULL
)
SELECT e.kind, e.g, e.object, coalesce(o.type || ' "' || o.name || '"', 'object ' || e.object),
       coalesce(o.made_file, ''), coalesce(o.made_line, 0)
FROM edge e
LEFT JOIN object_name o ON o.trace_id = 1 AND o.object = e.object
ORDER BY e.kind DESC, e.g, e.object;

-- @findings
-- Findings that can be drawn, the first 20.
SELECT f.id, f.kind, f.title
FROM shown f
WHERE f.trace_id = 1 AND EXISTS (SELECT 1 FROM temp.wait_node n WHERE n.id = f.id)
ORDER BY f.id
LIMIT 20;

-- @count
SELECT count(*) FROM temp.wait_node;
