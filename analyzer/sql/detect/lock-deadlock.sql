-- SPDX-License-Identifier: MIT
--
-- lock-deadlock: a cycle of goroutines each of which waits, without a deadline, for a lock that the next
-- one holds; or a goroutine that waits for a lock it holds itself.  Proven: only a holder can unlock.

DELETE FROM finding WHERE kind = 'lock-deadlock';
DELETE FROM finding_goroutine WHERE kind = 'lock-deadlock';
DELETE FROM finding_object WHERE kind = 'lock-deadlock';
DELETE FROM finding_wait WHERE kind = 'lock-deadlock';

INSERT INTO finding_goroutine(trace_id, kind, part, g)
SELECT trace_id, 'lock-deadlock', ring, g FROM dead WHERE ring IS NOT NULL;

INSERT INTO finding_wait(trace_id, kind, part, g, object, held_by)
SELECT d.trace_id, 'lock-deadlock', d.ring, w.g, w.object, min(h.g)
FROM dead d -- in this order: few are in a circle
CROSS JOIN wait_on w
CROSS JOIN hold h
CROSS JOIN dead e
WHERE d.ring IS NOT NULL AND w.trace_id = d.trace_id AND w.g = d.g
  AND h.trace_id = w.trace_id AND h.object = w.object AND h.to_ns IS NULL
  AND e.trace_id = h.trace_id AND e.g = h.g AND e.ring = d.ring
GROUP BY d.trace_id, d.ring, w.g, w.object;

INSERT INTO finding_object(trace_id, kind, part, object, holder)
SELECT trace_id, kind, part, object, min(held_by)
FROM finding_wait WHERE kind = 'lock-deadlock'
GROUP BY trace_id, kind, part, object;

INSERT INTO finding(trace_id, kind, part, certainty, severity, title, why, hint, count, since_ns,
                    blocked_file, blocked_line, blocked_func, blocked_text, born_file, born_line,
                    born_func, born_text, touches_gap)
SELECT f.trace_id, 'lock-deadlock', f.ring,
       CASE WHEN f.gap = 1 OR f.sure = 0 THEN 'probable' ELSE 'proven' END, 'error',
       CASE f.n WHEN 1 THEN 'goroutine ' || f.ring || ' waits for a lock it holds itself' ||
                                coalesce(', "' || f.name || '"', '')
                WHEN 2 THEN 'two goroutines wait for each other''s locks'
                ELSE f.n || ' goroutines wait for each other''s locks in a circle' END,
       f.text || coalesce('; ' || h.n || CASE h.n WHEN 1 THEN ' more waits' ELSE ' more wait' END ||
                          ' behind ' || CASE f.n WHEN 1 THEN 'it' ELSE 'them' END ||
                          CASE WHEN h.main = 1 THEN ', main among them' ELSE '' END, ''),
       CASE WHEN f.n > 1 THEN 'take these locks in the same order everywhere'
            WHEN f.shared = 1 THEN 'do not lock a lock again that this goroutine has for reading'
            ELSE 'unlock before locking again: a lock knows its owner, but does not nest' END,
       f.n, f.since_ns, b.file, b.line, b.func, b.blocked_text, b.born_file, b.born_line, b.born_func,
       'go ' || b.born_text, f.gap
FROM (SELECT r.trace_id, r.ring, count(*) AS n, min(r.sure) AS sure, max(r.gap) AS gap,
             max(r.since_ns) AS since_ns, max(r.name) AS name, max(r.shared) AS shared,
             max(CASE r.place WHEN 1 THEN r.text END) ||
             coalesce('; ' || max(CASE r.place WHEN 2 THEN r.text END), '') ||
             coalesce('; ' || max(CASE r.place WHEN 3 THEN r.text END), '') ||
             coalesce('; ' || max(CASE r.place WHEN 4 THEN r.text END), '') ||
             coalesce('; ' || max(CASE r.place WHEN 5 THEN r.text END), '') ||
             coalesce('; ' || max(CASE r.place WHEN 6 THEN r.text END), '') ||
             coalesce('; ' || max(CASE r.place WHEN 7 THEN r.text END), '') ||
             coalesce('; ' || max(CASE r.place WHEN 8 THEN r.text END), '') ||
             CASE WHEN count(*) > 8 THEN '; and ' || (count(*) - 8) || ' more' ELSE '' END AS text
      FROM (SELECT d.trace_id, d.ring, row_number() OVER (PARTITION BY d.trace_id, d.ring ORDER BY d.g) AS place,
                   d.sure, d.gap, b.since_ns, o.name, CASE h.mode WHEN 'rwmutex rlock' THEN 1 ELSE 0 END AS shared,
                   n.label || ' waits at ' || b.file || ':' || b.line || ' for ' || coalesce('"' || o.name || '"', 'a lock') ||
                   ', held by goroutine ' || w.held_by ||
                   coalesce(' since ' || s.file || ':' || s.line, '') AS text
            FROM dead d
            JOIN blocked b ON b.trace_id = d.trace_id AND b.g = d.g
            JOIN goroutine_name n ON n.trace_id = d.trace_id AND n.g = d.g
            JOIN finding_wait w ON w.trace_id = d.trace_id AND w.kind = 'lock-deadlock'
                               AND w.part = d.ring AND w.g = d.g
            LEFT JOIN hold h ON h.trace_id = w.trace_id AND h.object = w.object AND h.g = w.held_by
                            AND h.to_ns IS NULL
            LEFT JOIN site s ON s.trace_id = h.trace_id AND s.site = h.site
            LEFT JOIN object_name o ON o.trace_id = w.trace_id AND o.object = w.object
            WHERE d.ring IS NOT NULL) r
      GROUP BY r.trace_id, r.ring) f
JOIN blocked b ON b.trace_id = f.trace_id AND b.g = f.ring
LEFT JOIN (SELECT trace_id, behind, count(*) AS n, max(CASE g WHEN 1 THEN 1 ELSE 0 END) AS main
           FROM dead WHERE behind IS NOT NULL GROUP BY trace_id, behind) h
  ON h.trace_id = f.trace_id AND h.behind = f.ring;
