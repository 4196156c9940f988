-- SPDX-License-Identifier: MIT
--
-- The graph of waits at the end: goroutines, objects, and who waits for, has or could wake whom.
-- Goroutines that do the same at the same place, and that nobody waits for, are one node; its number is
-- the lowest one's.

-- @nodes
-- The temporary table dot_node: which node a goroutine belongs to.
INSERT INTO temp.dot_node(g, node)
SELECT w.g, CASE WHEN w.g IN (SELECT h.g FROM hold h WHERE h.trace_id = 1 AND h.to_ns IS NULL
                              UNION SELECT l.on_g FROM loop_wait l WHERE l.trace_id = 1) THEN w.g
                 ELSE min(w.g) OVER (PARTITION BY w.waits, e.site, e.born_site, e.name,
                                     EXISTS (SELECT 1 FROM dead d WHERE d.trace_id = 1 AND d.g = w.g)) END
FROM (SELECT g, group_concat(object || ' ' || op) AS waits
      FROM (SELECT g, object, op FROM wait_on WHERE trace_id = 1 ORDER BY g, object, op)
      GROUP BY g) w
LEFT JOIN goroutine_at_end e ON e.trace_id = 1 AND e.g = w.g
UNION
SELECT h.g, h.g FROM hold h
WHERE h.trace_id = 1 AND h.to_ns IS NULL
  AND EXISTS (SELECT 1 FROM wait_on w WHERE w.trace_id = 1 AND w.object = h.object)
  AND NOT EXISTS (SELECT 1 FROM wait_on w WHERE w.trace_id = 1 AND w.g = h.g)
UNION
SELECT l.on_g, l.on_g FROM loop_wait l
WHERE l.trace_id = 1 AND NOT EXISTS (SELECT 1 FROM wait_on w WHERE w.trace_id = 1 AND w.g = l.on_g);

-- @goroutines
SELECT m.node, m.count, n.label, coalesce(b.blocked_text, ''),
       coalesce(b.func || '() ' || b.file || ':' || b.line, ''),
       EXISTS (SELECT 1 FROM dead d WHERE d.trace_id = 1 AND d.g = m.node),
       g.ended_ns IS NOT NULL
FROM (SELECT node, count(*) AS count FROM temp.dot_node GROUP BY node) m
LEFT JOIN goroutine_name n ON n.trace_id = 1 AND n.g = m.node
LEFT JOIN goroutine g ON g.trace_id = 1 AND g.g = m.node
LEFT JOIN blocked b ON b.trace_id = 1 AND b.g = m.node
ORDER BY m.node;

-- @objects
-- One that nothing else is known of, in a damaged trace, has its number for a name.
SELECT w.object, coalesce(o.type || ' "' || o.name || '"', '#' || w.object),
       coalesce(o.made_file || ':' || o.made_line, '')
FROM (SELECT DISTINCT object FROM wait_on WHERE trace_id = 1) w
LEFT JOIN object_name o ON o.trace_id = 1 AND o.object = w.object
ORDER BY w.object;

-- @waits
SELECT DISTINCT d.node, w.object, w.op
FROM wait_on w
JOIN temp.dot_node d ON d.g = w.g
WHERE w.trace_id = 1
ORDER BY 1, 2, 3;

-- @holds
SELECT DISTINCT h.object, d.node, h.mode
FROM hold h
JOIN temp.dot_node d ON d.g = h.g
WHERE h.trace_id = 1 AND h.to_ns IS NULL
  AND h.object IN (SELECT object FROM wait_on WHERE trace_id = 1)
ORDER BY 1, 2, 3;

-- @wakes
SELECT DISTINCT l.object, d.node
FROM loop_wait l
JOIN temp.dot_node d ON d.g = l.on_g
WHERE l.trace_id = 1
  AND NOT EXISTS (SELECT 1 FROM hold h WHERE h.trace_id = 1 AND h.object = l.object AND h.g = l.on_g
                    AND h.to_ns IS NULL)
ORDER BY 1, 2;
