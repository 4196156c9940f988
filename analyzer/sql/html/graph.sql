-- SPDX-License-Identifier: MIT
--
-- Who waits for whom in the findings, for the drawings.  Goroutines that wait for the same at the same
-- place, and that nobody waits for, are one node; so are objects made at the same place, from which nothing
-- leads on.  Its number is the lowest one's.

-- @objects
-- The temporary table wait_object.
INSERT INTO temp.wait_object(id, object, node)
SELECT x.id, x.object, min(x.object) OVER (PARTITION BY x.id, o.type,
                                           CASE x.leads_on WHEN 0 THEN coalesce(o.made_site, -x.object)
                                                           ELSE -x.object END)
FROM (SELECT f.id, w.object,
             max(w.held_by IS NOT NULL OR w.object IN (SELECT l.object FROM loop_wait l WHERE l.trace_id = 1)) AS leads_on
      FROM shown f
      CROSS JOIN finding_wait w ON w.trace_id = f.trace_id AND w.kind = f.kind AND w.part = f.part
      WHERE f.trace_id = 1
      GROUP BY f.id, w.object) x
LEFT JOIN object o ON o.trace_id = 1 AND o.object = x.object;

-- @wanted
-- The temporary table wait_node, first with those that somebody waits for.
INSERT INTO temp.wait_node(id, g, node, wanted)
SELECT f.id, w.held_by, w.held_by, 1
FROM shown f
CROSS JOIN finding_wait w ON w.trace_id = f.trace_id AND w.kind = f.kind AND w.part = f.part
WHERE f.trace_id = 1 AND w.held_by IS NOT NULL
UNION
SELECT f.id, l.on_g, l.on_g, 1
FROM shown f
CROSS JOIN finding_wait w ON w.trace_id = f.trace_id AND w.kind = f.kind AND w.part = f.part
CROSS JOIN loop_wait l ON l.trace_id = w.trace_id AND l.g = w.g AND l.object = w.object
WHERE f.trace_id = 1;

-- @nodes
-- Then with the others.
INSERT INTO temp.wait_node(id, g, node, wanted)
SELECT w.id, w.g, min(w.g) OVER (PARTITION BY w.id, w.low, w.high, w.n, i.site, g.born_site), 0
FROM (SELECT f.id, x.g, min(o.node) AS low, max(o.node) AS high, count(DISTINCT o.node) AS n
      FROM shown f
      CROSS JOIN finding_wait x ON x.trace_id = f.trace_id AND x.kind = f.kind AND x.part = f.part
      CROSS JOIN temp.wait_object o ON o.id = f.id AND o.object = x.object
      WHERE f.trace_id = 1
      GROUP BY f.id, x.g) w
JOIN goroutine g ON g.trace_id = 1 AND g.g = w.g
LEFT JOIN interval i ON i.trace_id = 1 AND i.g = w.g AND i.n = g.intervals - 1
WHERE NOT EXISTS (SELECT 1 FROM temp.wait_node n WHERE n.id = w.id AND n.g = w.g);

-- @goroutines
-- Those of the finding ?1, first who is waited for.
-- Of views, subqueries read one row; a join would make them for all goroutines.
SELECT m.node, m.count,
       coalesce((SELECT 'g' || substr(n.label, 11) FROM goroutine_name n WHERE n.trace_id = 1 AND n.g = m.node),
                'g' || m.node),
       coalesce(s.file, ''), coalesce(s.line, 0), g.ended_ns IS NOT NULL
FROM (SELECT node, count(*) AS count, max(wanted) AS wanted FROM temp.wait_node WHERE id = ?1 GROUP BY node
      ORDER BY wanted DESC, node LIMIT 1000) m
LEFT JOIN goroutine g ON g.trace_id = 1 AND g.g = m.node
LEFT JOIN interval i ON i.trace_id = 1 AND i.g = m.node AND i.n = g.intervals - 1 AND i.state = 3
LEFT JOIN site s ON s.trace_id = 1 AND s.site = i.site
ORDER BY m.wanted DESC, m.node;

-- @edges
-- Of kind 0 from a goroutine to an object that it waits for, 1 from a lock to who has it, 2 from an object
-- to who could end the wait.
WITH wait AS (
  SELECT w.g, d.node, w.object, o.node AS object_node, w.held_by
  FROM shown f
  CROSS JOIN finding_wait w ON w.trace_id = f.trace_id AND w.kind = f.kind AND w.part = f.part
  CROSS JOIN temp.wait_node d ON d.id = f.id AND d.g = w.g
  CROSS JOIN temp.wait_object o ON o.id = f.id AND o.object = w.object
  WHERE f.trace_id = 1 AND f.id = ?1
),
edge(kind, g, object) AS (
  SELECT 0, node, object_node FROM wait
  UNION
  SELECT 1, held_by, object FROM wait WHERE held_by IS NOT NULL
  UNION
  SELECT 2, l.on_g, w.object
  FROM wait w
  JOIN loop_wait l ON l.trace_id = 1 AND l.g = w.g AND l.object = w.object
  WHERE w.held_by IS NULL
)
SELECT e.kind, e.g, e.object,
       coalesce((SELECT o.type || ' "' || o.name || '"' FROM object_name o
                 WHERE o.trace_id = 1 AND o.object = e.object), 'object ' || e.object),
       coalesce(s.file, ''), coalesce(s.line, 0),
       (SELECT count(*) FROM temp.wait_object o WHERE o.id = ?1 AND o.node = e.object),
       coalesce('since ' || (SELECT substr(p.file, length(rtrim(p.file, replace(p.file, '/', ''))) + 1) || ':' || p.line
                             FROM hold h
                             JOIN site p ON p.trace_id = h.trace_id AND p.site = h.site
                             WHERE h.trace_id = 1 AND h.object = e.object AND h.g = e.g AND h.to_ns IS NULL
                               AND e.kind = 1
                             ORDER BY h.count DESC LIMIT 1), '')
FROM edge e
LEFT JOIN object b ON b.trace_id = 1 AND b.object = e.object
LEFT JOIN site s ON s.trace_id = 1 AND s.site = b.made_site
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
