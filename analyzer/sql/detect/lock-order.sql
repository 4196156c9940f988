-- SPDX-License-Identifier: MIT
--
-- lock-order: goroutines took locks in orders that form a circle (table lock_circle), in a run in which
-- they did not meet.  Predicted: with other timing it is a lock-deadlock.  Not of locks that a
-- lock-deadlock of this very run is about.

DELETE FROM finding WHERE kind = 'lock-order';
DELETE FROM finding_goroutine WHERE kind = 'lock-order';
DELETE FROM finding_object WHERE kind = 'lock-order';

INSERT INTO finding_object(trace_id, kind, part, object) -- nobody holds them any more
SELECT DISTINCT c.trace_id, 'lock-order', c.circle, n.outer
FROM lock_circle c
JOIN nest n ON n.trace_id = c.trace_id AND n.nest = c.nest
WHERE NOT EXISTS (SELECT 1
                  FROM lock_circle d
                  JOIN nest m ON m.trace_id = d.trace_id AND m.nest = d.nest
                  JOIN finding_object f ON f.trace_id = m.trace_id AND f.kind = 'lock-deadlock'
                                       AND f.object = m.outer
                  WHERE d.trace_id = c.trace_id AND d.circle = c.circle);

INSERT INTO finding_goroutine(trace_id, kind, part, g)
SELECT c.trace_id, 'lock-order', c.circle, n.g
FROM lock_circle c
JOIN nest n ON n.trace_id = c.trace_id AND n.nest = c.nest
JOIN finding_object f ON f.trace_id = c.trace_id AND f.kind = 'lock-order' AND f.part = c.circle
UNION
SELECT c.trace_id, 'lock-order', c.circle, c.writer
FROM lock_circle c
JOIN finding_object f ON f.trace_id = c.trace_id AND f.kind = 'lock-order' AND f.part = c.circle
WHERE c.writer IS NOT NULL;

INSERT INTO finding(trace_id, kind, part, certainty, severity, title, why, hint, count, since_ns,
                    blocked_file, blocked_line, blocked_func, blocked_text, born_file, born_line,
                    born_func, born_text, touches_gap)
SELECT f.trace_id, 'lock-order', f.circle, 'predicted', 'warning',
       CASE WHEN f.writer IS NOT NULL
            THEN coalesce('"' || f.name || '"', 'a lock') || ' is taken for reading by who has it already'
            WHEN f.n = 2 THEN 'two goroutines take two locks in opposite orders'
            ELSE f.n || ' goroutines take ' || f.n || ' locks in a circle' END,
       f.text || CASE WHEN f.writer IS NOT NULL
                      THEN '; ' || w.label || ' takes it for writing: between the two, it waits for the first ' ||
                           'and the second waits for it'
                      ELSE '; nothing keeps them from doing so at the same time' END,
       CASE WHEN f.writer IS NOT NULL THEN 'do not lock a lock again that this goroutine has for reading'
            ELSE 'take these locks in the same order everywhere' END,
       f.n + CASE WHEN f.writer IS NOT NULL THEN 1 ELSE 0 END, NULL, s.file, s.line, s.func, f.op, b.file, b.line, b.func,
       'go ' || b.text, 0
FROM (SELECT r.trace_id, r.circle, count(*) AS n, max(r.writer) AS writer, max(r.name) AS name,
             max(CASE r.step WHEN 0 THEN r.text END) ||
             coalesce('; ' || max(CASE r.step WHEN 1 THEN r.text END), '') ||
             coalesce('; ' || max(CASE r.step WHEN 2 THEN r.text END), '') ||
             coalesce('; ' || max(CASE r.step WHEN 3 THEN r.text END), '') AS text,
             min(CASE r.step WHEN 0 THEN r.site END) AS site,
             min(CASE r.step WHEN 0 THEN r.g END) AS g, min(CASE r.step WHEN 0 THEN r.op END) AS op
      FROM (SELECT c.trace_id, c.circle, c.step, c.writer, n.g, n.site, x.name,
                   n.mode || coalesce(' "' || y.name || '"', '') AS op,
                   l.label || ' has ' || coalesce('"' || x.name || '"', 'a lock') ||
                   coalesce(' since ' || p.file || ':' || p.line, '') || ' and takes ' ||
                   CASE WHEN n.outer = n.object THEN 'it again'
                        ELSE coalesce('"' || y.name || '"', 'another') END ||
                   coalesce(' at ' || q.file || ':' || q.line, '') AS text
            FROM lock_circle c
            JOIN nest n ON n.trace_id = c.trace_id AND n.nest = c.nest
            JOIN goroutine_name l ON l.trace_id = n.trace_id AND l.g = n.g
            LEFT JOIN object_name x ON x.trace_id = n.trace_id AND x.object = n.outer
            LEFT JOIN object_name y ON y.trace_id = n.trace_id AND y.object = n.object
            LEFT JOIN site p ON p.trace_id = n.trace_id AND p.site = n.outer_site
            LEFT JOIN site q ON q.trace_id = n.trace_id AND q.site = n.site
            WHERE EXISTS (SELECT 1 FROM finding_object o
                          WHERE o.trace_id = c.trace_id AND o.kind = 'lock-order' AND o.part = c.circle)) r
      GROUP BY r.trace_id, r.circle) f
LEFT JOIN goroutine_name w ON w.trace_id = f.trace_id AND w.g = f.writer
LEFT JOIN site s ON s.trace_id = f.trace_id AND s.site = f.site
JOIN goroutine g ON g.trace_id = f.trace_id AND g.g = f.g
LEFT JOIN site b ON b.trace_id = g.trace_id AND b.site = g.born_site AND b.file <> '';
