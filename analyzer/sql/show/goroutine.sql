-- SPDX-License-Identifier: MIT
--
-- What the verb goroutine shows of goroutine ?1.

-- @life
SELECT n.label, g.born_ns, coalesce(g.ended_ns, -1), coalesce(g.foreign_thread, 0), t.duration_ns,
       (SELECT count(*) FROM goroutine c WHERE c.trace_id = 1 AND c.parent = g.g), g.older
FROM goroutine g
JOIN goroutine_name n ON n.trace_id = g.trace_id AND n.g = g.g
JOIN trace t ON t.trace_id = g.trace_id
WHERE g.trace_id = 1 AND g.g = ?1;

-- @chain
-- Who spawned it, who spawned that one ...; a trace that is damaged could have a circle.
WITH RECURSIVE up(step, g, parent, site) AS (
  SELECT 0, g, parent, born_site FROM goroutine WHERE trace_id = 1 AND g = ?1
  UNION ALL
  SELECT u.step + 1, p.g, p.parent, p.born_site
  FROM up u
  JOIN goroutine p ON p.trace_id = 1 AND p.g = u.parent
  WHERE u.step < 63)
SELECT coalesce(n.label, 'goroutine ' || u.parent, ''), coalesce(s.file, ''), coalesce(s.line, 0),
       coalesce(s.func, ''), coalesce(s.text, '')
FROM up u
LEFT JOIN goroutine_name n ON n.trace_id = 1 AND n.g = u.parent
LEFT JOIN site s ON s.trace_id = 1 AND s.site = u.site
WHERE u.parent IS NOT NULL OR s.site IS NOT NULL
ORDER BY u.step;

-- @sums
SELECT CASE i.state WHEN 1 THEN 'ready' WHEN 2 THEN 'running' WHEN 3 THEN 'waiting' ELSE 'in calls' END,
       count(*), sum(coalesce(i.to_ns, t.duration_ns) - i.from_ns)
FROM interval i
JOIN trace t ON t.trace_id = i.trace_id
WHERE i.trace_id = 1 AND i.g = ?1
GROUP BY i.state
ORDER BY i.state;

-- @findings
SELECT f.id, upper(f.kind), f.title
FROM finding_goroutine m
JOIN shown f ON f.trace_id = m.trace_id AND f.kind = m.kind AND f.part = m.part
WHERE m.trace_id = 1 AND m.g = ?1
ORDER BY f.id;

-- @holds
SELECT o.type, o.name, coalesce(s.file, ''), coalesce(s.line, 0), h.from_ns
FROM hold h
JOIN object_name o ON o.trace_id = h.trace_id AND o.object = h.object
LEFT JOIN site s ON s.trace_id = h.trace_id AND s.site = h.site
WHERE h.trace_id = 1 AND h.g = ?1 AND h.to_ns IS NULL
ORDER BY h.from_ns, h.object;

-- @intervals
-- Those that have something between ?2 and ?3.
SELECT i.from_ns, coalesce(i.to_ns, t.duration_ns) - i.from_ns,
       CASE WHEN i.state = 3 THEN coalesce(r.text, 'waiting') ELSE w.text END,
       CASE WHEN i.state = 3 THEN coalesce(o.name, nullif(ltrim(s.text, '*&'), ''), '') ELSE '' END,
       coalesce(s.file, ''), coalesce(s.line, 0), coalesce(s.func, ''), coalesce(i.thread, 0),
       coalesce(n.label, 'goroutine ' || i.woken_by, k.text, ''), i.to_ns IS NULL, i.state
FROM interval i
JOIN trace t ON t.trace_id = i.trace_id
LEFT JOIN word w ON w.list = 'state' AND w.number = i.state
LEFT JOIN word r ON r.list = 'reason' AND r.number = i.reason
LEFT JOIN word k ON k.list = 'waker' AND k.number = i.waker
LEFT JOIN object_name o ON o.trace_id = i.trace_id AND o.object = i.object
LEFT JOIN site s ON s.trace_id = i.trace_id AND s.site = i.site
LEFT JOIN goroutine_name n ON n.trace_id = i.trace_id AND n.g = i.woken_by
WHERE i.trace_id = 1 AND i.g = ?1 AND i.from_ns <= ?3 AND coalesce(i.to_ns, t.duration_ns) >= ?2
ORDER BY i.n;

-- @count
SELECT count(*), coalesce(min(g), 0), coalesce(max(g), 0) FROM goroutine WHERE trace_id = 1;
