-- SPDX-License-Identifier: MIT
--
-- hidden-deadlock: main is dead and has not ended, but something still goes on by itself, and so nobody
-- noticed.  What goes on is named.  Proven if each of it is ruled out by rules that cannot err.  Who is in a
-- finding that says more, as one of the causes, is not listed again but for main, and for cycles of locks.
-- Suspect if main would be dead but for goroutines that wait for the same as it does, beside others: they go on,
-- but never did anything else to it (table dead_if).

DELETE FROM finding WHERE kind = 'hidden-deadlock';
DELETE FROM finding_goroutine WHERE kind = 'hidden-deadlock';
DELETE FROM finding_object WHERE kind = 'hidden-deadlock';
DELETE FROM finding_wait WHERE kind = 'hidden-deadlock';

INSERT INTO finding_goroutine(trace_id, kind, part, g)
SELECT d.trace_id, 'hidden-deadlock', 0, d.g
FROM dead d
WHERE d.main = 1 AND (d.g = 1 OR coalesce(d.kind, 'lock-deadlock') = 'lock-deadlock')
  AND NOT EXISTS (SELECT 1 FROM all_dead a WHERE a.trace_id = d.trace_id);

INSERT INTO finding(trace_id, kind, part, certainty, severity, title, why, hint, count, since_ns,
                    blocked_file, blocked_line, blocked_func, blocked_text, born_file, born_line,
                    born_func, born_text, touches_gap)
SELECT f.trace_id, 'hidden-deadlock', 0,
       CASE WHEN f.gap = 1 OR f.sure = 0 THEN 'probable' ELSE 'proven' END, 'error',
       'main waits for good in ' || b.blocked_text || ', hidden by ' || CASE
         WHEN x.n > 1 THEN x.n || ' sources of events that go on'
         WHEN x.spins = 1 THEN 'a goroutine that spins'
         ELSE 'what still goes on' END,
       x.text || CASE WHEN x.n > 3 THEN '; and ' || (x.n - 3) || ' more' ELSE '' END ||
         CASE WHEN f.rings = 1 THEN '; main waits for a lock in the cycle reported as lock-deadlock'
              WHEN f.cause IS NOT NULL THEN '; the cause may be what is reported as ' || f.cause
              WHEN f.sure = 1 THEN '; none of it can reach what main waits for'
              WHEN EXISTS (SELECT 1 FROM reach r
                           WHERE r.trace_id = b.trace_id AND r.object = b.object AND r.place = 0)
                THEN '; a search of memory found nobody else who has what main waits for'
              ELSE '; none of it ever had to do with what main waits for' END,
       NULL, f.n, b.since_ns, b.file, b.line, b.func, b.blocked_text, b.born_file, b.born_line,
       b.born_func, 'go ' || b.born_text, f.gap
FROM (SELECT d.trace_id, count(*) AS n, min(CASE d.g WHEN 1 THEN d.sure ELSE 1 END) AS sure,
             max(d.gap) AS gap,
             max(CASE WHEN d.g = 1 AND (d.ring IS NOT NULL OR d.behind IS NOT NULL) THEN 1 ELSE 0 END) AS rings,
             (SELECT min(c.kind) FROM dead c
              WHERE c.trace_id = d.trace_id AND c.main = 1 AND c.kind <> 'lock-deadlock') AS cause
      FROM dead d
      JOIN finding_goroutine m ON m.trace_id = d.trace_id AND m.g = d.g
                              AND m.kind = 'hidden-deadlock'
      GROUP BY d.trace_id) f
JOIN blocked b ON b.trace_id = f.trace_id AND b.g = 1
JOIN (SELECT r.trace_id, max(r.total) AS n,
             max(CASE r.place WHEN 1 THEN r.text END) ||
             coalesce('; ' || max(CASE r.place WHEN 2 THEN r.text END), '') ||
             coalesce('; ' || max(CASE r.place WHEN 3 THEN r.text END), '') AS text,
             max(r.spins) AS spins
      FROM (SELECT s.trace_id, s.text, CASE WHEN p.g IS NOT NULL THEN 1 ELSE 0 END AS spins,
                   count(*) OVER (PARTITION BY s.trace_id) AS total,
                   row_number() OVER (PARTITION BY s.trace_id
                                      ORDER BY p.g IS NULL, s.g IS NULL, s.g, s.text) AS place
            FROM source s
            LEFT JOIN spinner p ON p.trace_id = s.trace_id AND p.g = s.g) r
      GROUP BY r.trace_id) x ON x.trace_id = f.trace_id;

INSERT INTO finding_goroutine(trace_id, kind, part, g)
SELECT d.trace_id, 'hidden-deadlock', 1, d.g
FROM dead_if d
WHERE d.supposed = 'role' AND d.g = 1
  AND NOT EXISTS (SELECT 1 FROM finding f WHERE f.trace_id = d.trace_id AND f.kind IN ('hidden-deadlock', 'livelock'));

INSERT INTO finding(trace_id, kind, part, certainty, severity, title, why, hint, count, since_ns,
                    blocked_file, blocked_line, blocked_func, blocked_text, born_file, born_line,
                    born_func, born_text, touches_gap)
SELECT m.trace_id, m.kind, m.part, 'suspect', 'error',
       'main may wait for good in ' || b.blocked_text || ', hidden by what still goes on',
       x.text || CASE WHEN x.n > 3 THEN '; and ' || (x.n - 3) || ' more' ELSE '' END ||
         coalesce('; ' || y.text || ' could end it, but waits for the same, and never did anything else to it', ''),
       'see who is to send or close, and whether it can still come',
       1, b.since_ns, b.file, b.line, b.func, b.blocked_text, b.born_file, b.born_line,
       b.born_func, 'go ' || b.born_text, CASE WHEN EXISTS (SELECT 1 FROM gap p WHERE p.trace_id = m.trace_id) THEN 1 ELSE 0 END
FROM finding_goroutine m
JOIN blocked b ON b.trace_id = m.trace_id AND b.g = m.g
JOIN (SELECT r.trace_id, max(r.total) AS n,
             max(CASE r.place WHEN 1 THEN r.text END) ||
             coalesce('; ' || max(CASE r.place WHEN 2 THEN r.text END), '') ||
             coalesce('; ' || max(CASE r.place WHEN 3 THEN r.text END), '') AS text
      FROM (SELECT s.trace_id, s.text, count(*) OVER (PARTITION BY s.trace_id) AS total,
                   row_number() OVER (PARTITION BY s.trace_id ORDER BY s.g IS NULL, s.g, s.text) AS place
            FROM source s) r
      GROUP BY r.trace_id) x ON x.trace_id = m.trace_id
LEFT JOIN (SELECT w.trace_id, n.label AS text
           FROM wait_on w
           JOIN goroutine_name n ON n.trace_id = w.trace_id AND n.g = w.g
           WHERE w.g = (SELECT min(v.g)
                        FROM wait_on u
                        JOIN wait_on v ON v.trace_id = u.trace_id AND v.object = u.object AND v.op = u.op AND v.g <> 1
                        WHERE u.trace_id = w.trace_id AND u.g = 1)
           GROUP BY w.trace_id, n.label) y ON y.trace_id = m.trace_id
WHERE m.kind = 'hidden-deadlock' AND m.part = 1;

INSERT INTO finding_object(trace_id, kind, part, object, holder)
SELECT m.trace_id, m.kind, m.part, w.object, min(h.g)
FROM finding_goroutine m
JOIN wait_on w ON w.trace_id = m.trace_id AND w.g = m.g
LEFT JOIN hold h ON h.trace_id = w.trace_id AND h.object = w.object AND h.to_ns IS NULL
WHERE m.kind = 'hidden-deadlock'
GROUP BY m.trace_id, m.kind, m.part, w.object;

INSERT INTO finding_wait(trace_id, kind, part, g, object, held_by)
SELECT DISTINCT m.trace_id, m.kind, m.part, w.g, w.object, o.holder
FROM finding_goroutine m
JOIN wait_on w ON w.trace_id = m.trace_id AND w.g = m.g
JOIN finding_object o ON o.trace_id = m.trace_id AND o.kind = m.kind AND o.part = m.part AND o.object = w.object
WHERE m.kind = 'hidden-deadlock';
