-- SPDX-License-Identifier: MIT
--
-- partial-deadlock: dead goroutines that wait for each other in a cycle that is not of locks alone: a lock
-- held over a channel, a group, a condition; or two channels.  Who waits for whom is in the table loop_wait:
-- detect/loop.c.  Main is not in it: that would be a global or a hidden deadlock.  Proven if that each member
-- is dead is sure (a snapshot searched memory), else probable.

DELETE FROM finding WHERE kind = 'partial-deadlock';
DELETE FROM finding_goroutine WHERE kind = 'partial-deadlock';
DELETE FROM finding_object WHERE kind = 'partial-deadlock';
DELETE FROM finding_wait WHERE kind = 'partial-deadlock';

INSERT INTO finding_goroutine(trace_id, kind, part, g)
SELECT trace_id, 'partial-deadlock', loop, g FROM dead WHERE kind = 'partial-deadlock';

INSERT INTO finding_wait(trace_id, kind, part, g, object, held_by)
SELECT DISTINCT m.trace_id, m.kind, m.part, w.g, w.object,
       CASE WHEN o.type IN ('mutex', 'rwmutex') THEN l.on_g END
FROM finding_goroutine m
JOIN wait_on w ON w.trace_id = m.trace_id AND w.g = m.g
LEFT JOIN object o ON o.trace_id = w.trace_id AND o.object = w.object
LEFT JOIN loop_wait l ON l.trace_id = w.trace_id AND l.g = w.g AND l.object = w.object
WHERE m.kind = 'partial-deadlock';

INSERT INTO finding_object(trace_id, kind, part, object, holder)
SELECT trace_id, kind, part, object, min(held_by)
FROM finding_wait WHERE kind = 'partial-deadlock'
GROUP BY trace_id, kind, part, object;

INSERT INTO finding(trace_id, kind, part, certainty, severity, title, why, hint, count, since_ns,
                    blocked_file, blocked_line, blocked_func, blocked_text, born_file, born_line,
                    born_func, born_text, touches_gap)
SELECT f.trace_id, 'partial-deadlock', f.part,
       CASE WHEN f.gap = 1 OR f.sure = 0 THEN 'probable' ELSE 'proven' END, 'error',
       CASE f.n WHEN 2 THEN 'two goroutines wait for each other'
                ELSE f.n || ' goroutines wait for each other in a circle' END,
       x.text || CASE WHEN f.n > 4 THEN '; and ' || (f.n - 4) || ' more' ELSE '' END,
       CASE WHEN k.locks = 1 THEN 'do not hold a lock while waiting for who may need it: unlock first'
            ELSE 'let one side give up: close its channel, or wait with a deadline' END,
       f.n, f.since_ns, b.file, b.line, b.func, b.blocked_text, b.born_file, b.born_line, b.born_func,
       'go ' || b.born_text, f.gap
FROM (SELECT m.trace_id, m.part, count(*) AS n, max(d.gap) AS gap, min(d.sure) AS sure,
             max(x.from_ns) AS since_ns
      FROM finding_goroutine m
      JOIN dead d ON d.trace_id = m.trace_id AND d.g = m.g
      JOIN goroutine g ON g.trace_id = m.trace_id AND g.g = m.g
      JOIN still x ON x.trace_id = g.trace_id AND x.g = g.g
      WHERE m.kind = 'partial-deadlock'
      GROUP BY m.trace_id, m.part) f
JOIN blocked b ON b.trace_id = f.trace_id AND b.g = f.part
JOIN (SELECT trace_id, part, max(CASE WHEN held_by IS NOT NULL THEN 1 ELSE 0 END) AS locks
      FROM finding_wait WHERE kind = 'partial-deadlock' GROUP BY trace_id, part) k
  ON k.trace_id = f.trace_id AND k.part = f.part
JOIN (SELECT r.trace_id, r.part,
             max(CASE r.place WHEN 1 THEN r.text END) ||
             coalesce('; ' || max(CASE r.place WHEN 2 THEN r.text END), '') ||
             coalesce('; ' || max(CASE r.place WHEN 3 THEN r.text END), '') ||
             coalesce('; ' || max(CASE r.place WHEN 4 THEN r.text END), '') AS text
      FROM (SELECT m.trace_id, m.part, m.place,
                   n.label || ' waits at ' || b.file || ':' || b.line || ' in ' || b.blocked_text ||
                   coalesce(', ' || CASE WHEN w.held_by IS NOT NULL THEN 'held by' ELSE 'for' END ||
                            ' goroutine ' || l.on_g, '') ||
                   coalesce(' since ' || (
                     SELECT s.file || ':' || s.line FROM hold h
                     JOIN site s ON s.trace_id = h.trace_id AND s.site = h.site
                     WHERE h.trace_id = w.trace_id AND h.object = w.object AND h.to_ns IS NULL
                       AND h.g = w.held_by ORDER BY h.count DESC LIMIT 1), '') AS text
            FROM (SELECT p.trace_id, p.kind, p.part, p.g,
                         row_number() OVER (PARTITION BY p.trace_id, p.part ORDER BY p.g) AS place
                  FROM finding_goroutine p WHERE p.kind = 'partial-deadlock') m
            JOIN blocked b ON b.trace_id = m.trace_id AND b.g = m.g
            JOIN goroutine_name n ON n.trace_id = m.trace_id AND n.g = m.g
            LEFT JOIN (SELECT v.trace_id, v.g, min(v.object) AS object
                       FROM loop_wait v GROUP BY v.trace_id, v.g) v
              ON v.trace_id = m.trace_id AND v.g = m.g
            LEFT JOIN loop_wait l ON l.trace_id = v.trace_id AND l.g = v.g AND l.object = v.object
            LEFT JOIN finding_wait w ON w.trace_id = m.trace_id AND w.kind = m.kind AND w.part = m.part
                                    AND w.g = m.g AND w.object = l.object
            WHERE m.place <= 4) r
      GROUP BY r.trace_id, r.part) x ON x.trace_id = f.trace_id AND x.part = f.part;
