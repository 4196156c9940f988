-- SPDX-License-Identifier: MIT
--
-- What the goroutines in findings did over time: at most 60, and of no finding more than 12.

-- @lanes
-- The temporary table lane.
INSERT INTO temp.lane(g, lane)
SELECT g, row_number() OVER (ORDER BY id, g) - 1
FROM (SELECT g, min(id) AS id
      FROM (SELECT m.g, f.id, row_number() OVER (PARTITION BY f.id ORDER BY m.g) AS place
            FROM shown f
            JOIN finding_goroutine m ON m.trace_id = f.trace_id AND m.kind = f.kind AND m.part = f.part
            JOIN goroutine g ON g.trace_id = m.trace_id AND g.g = m.g
            WHERE f.trace_id = 1)
      WHERE place <= 12
      GROUP BY g
      ORDER BY id, g
      LIMIT 60);

-- @goroutines
SELECT l.lane, l.g, (SELECT n.label FROM goroutine_name n WHERE n.trace_id = 1 AND n.g = l.g), g.born_ns,
       coalesce(g.ended_ns, -1)
FROM temp.lane l
CROSS JOIN goroutine g ON g.trace_id = 1 AND g.g = l.g
ORDER BY l.lane;

-- @who
SELECT g, lane FROM temp.lane ORDER BY g;

-- @left_out
SELECT count(DISTINCT m.g) - (SELECT count(*) FROM temp.lane)
FROM shown f
JOIN finding_goroutine m ON m.trace_id = f.trace_id AND m.kind = f.kind AND m.part = f.part
WHERE f.trace_id = 1;
