-- SPDX-License-Identifier: MIT
--
-- leak: dead, in no cycle of locks and behind none, while main does not depend on it: whoever could have
-- ended the wait has ended or has let go of the object.  Goroutines blocked at one place, born at one
-- place, on objects made at one place are one finding.  Certain for a nil channel, a select without
-- cases, and where a search of memory, while nobody ran, found nobody who has the object (dead.sure); else probable.
-- Left out: the goroutines of a global deadlock, those in the table idle (alive-at-exit.sql), and those of
-- which another kind says more (dead.kind).

DELETE FROM finding WHERE kind = 'leak';
DELETE FROM finding_goroutine WHERE kind = 'leak';
DELETE FROM finding_object WHERE kind = 'leak';
DELETE FROM finding_wait WHERE kind = 'leak';

INSERT INTO finding_goroutine(trace_id, kind, part, g)
SELECT l.trace_id, 'leak',
       min(l.g) OVER (PARTITION BY l.trace_id, l.reason, l.site, l.born_site, l.made_site), l.g
FROM (SELECT d.trace_id, d.g, x.reason, x.site, g.born_site, o.made_site
      FROM dead d
      JOIN goroutine g ON g.trace_id = d.trace_id AND g.g = d.g
      JOIN still x ON x.trace_id = g.trace_id AND x.g = g.g
      LEFT JOIN object o ON o.trace_id = x.trace_id AND o.object = x.object
      LEFT JOIN idle i ON i.trace_id = d.trace_id AND i.g = d.g
      WHERE d.ring IS NULL AND d.behind IS NULL AND d.main = 0 AND d.kind IS NULL AND i.g IS NULL
        AND NOT EXISTS (SELECT 1 FROM all_dead a WHERE a.trace_id = d.trace_id)) l;

INSERT INTO finding_wait(trace_id, kind, part, g, object, held_by)
SELECT m.trace_id, m.kind, m.part, w.g, w.object, min(h.g)
FROM finding_goroutine m
JOIN wait_on w ON w.trace_id = m.trace_id AND w.g = m.g
LEFT JOIN hold h ON h.trace_id = w.trace_id AND h.object = w.object AND h.to_ns IS NULL
WHERE m.kind = 'leak'
GROUP BY m.trace_id, m.kind, m.part, w.g, w.object;

INSERT INTO finding_object(trace_id, kind, part, object, holder)
SELECT trace_id, kind, part, object, min(held_by)
FROM finding_wait WHERE kind = 'leak'
GROUP BY trace_id, kind, part, object;

INSERT INTO finding(trace_id, kind, part, certainty, severity, title, why, hint, count, since_ns,
                    blocked_file, blocked_line, blocked_func, blocked_text, born_file, born_line,
                    born_func, born_text, touches_gap)
SELECT f.trace_id, 'leak', f.part,
       CASE WHEN b.reason IN (3, 4, 6) OR (f.sure = 1 AND f.gap = 0) THEN 'proven' ELSE 'probable' END, 'error',
       f.n || CASE f.n WHEN 1 THEN ' goroutine' ELSE ' goroutines' END || ' blocked for good in ' ||
         b.blocked_text,
       CASE
         WHEN b.reason IN (3, 4) THEN 'a nil channel never becomes ready'
         WHEN b.reason = 6 THEN 'a select without cases waits for ever'
         WHEN b.reason = 5 THEN 'nobody alive has to do with any of its channels' || coalesce(': ' ||
           (SELECT max(CASE c.place WHEN 1 THEN c.name END) ||
                   coalesce(', ' || max(CASE c.place WHEN 2 THEN c.name END), '') ||
                   coalesce(', ' || max(CASE c.place WHEN 3 THEN c.name END), '') ||
                   coalesce(', ' || max(CASE c.place WHEN 4 THEN c.name END), '') ||
                   CASE WHEN count(*) > 4 THEN ' and ' || (count(*) - 4) || ' more' ELSE '' END
            FROM (SELECT '"' || o.name || '"' AS name, row_number() OVER (ORDER BY min(o.object)) AS place
                  FROM wait_on w JOIN object_name o ON o.trace_id = w.trace_id AND o.object = w.object
                  WHERE w.trace_id = b.trace_id AND w.g = b.g
                  GROUP BY o.name) c), '')
         WHEN b.reason IN (7, 8, 9) THEN coalesce(
           (SELECT 'its holder, goroutine ' || h.g || ', locked it at ' || s.file || ':' || s.line ||
                   CASE WHEN x.ended_ns IS NULL THEN ' and waits for good itself'
                        ELSE ' and ended without unlocking it' END
            FROM hold h
            JOIN site s ON s.trace_id = h.trace_id AND s.site = h.site
            JOIN goroutine x ON x.trace_id = h.trace_id AND x.g = h.g
            WHERE h.trace_id = b.trace_id AND h.object = b.object AND h.to_ns IS NULL
            ORDER BY h.count LIMIT 1), 'whoever holds it can never unlock it')
         WHEN o.type = 'context' THEN 'nobody alive has it, or one above it, to cancel it'
         ELSE coalesce(
           (SELECT s.text FROM side s
            WHERE s.trace_id = b.trace_id AND s.object = b.object
              AND s.op = CASE b.reason WHEN 1 THEN 'chan send' WHEN 2 THEN 'chan receive'
                                       WHEN 10 THEN 'waitgroup done' WHEN 11 THEN 'cond signal'
                                       WHEN 14 THEN 'sem release' END),
           CASE b.reason WHEN 1 THEN 'nobody ever sent on it' WHEN 2 THEN 'nobody ever received from it'
             ELSE 'nobody alive has to do with it' END ||
             CASE WHEN b.reason < 3 AND t.begin_ns IS NOT NULL THEN ', since the trace begins' ELSE '' END) ||
           CASE b.reason WHEN 1 THEN '; it was not closed either' ELSE '' END
       END,
       CASE
         WHEN o.type = 'context' THEN 'cancel it, or one above it, on every way out'
         WHEN b.reason = 1 THEN 'close the channel when its last sender is done'
         WHEN b.reason = 2 THEN 'give the channel room for all its senders, or let them select on a ' ||
                                'channel that is closed when nobody listens any more'
         WHEN b.reason IN (3, 4) THEN 'make the channel before it is used'
         WHEN b.reason = 5 THEN 'add a case on a channel that is closed at the end'
         WHEN b.reason = 6 THEN 'let main wait for the others by a wait group'
         WHEN b.reason IN (7, 8, 9) THEN 'unlock on every way out, early returns too'
         WHEN b.reason = 10 THEN 'call gor_wg_done on every way out, early returns too'
         WHEN b.reason = 11 THEN 'change the state and signal under the same lock'
       END,
       f.n, f.since_ns, b.file, b.line, b.func, b.blocked_text, b.born_file, b.born_line, b.born_func,
       'go ' || b.born_text, f.gap
FROM (SELECT m.trace_id, m.part, count(*) AS n, max(d.gap) AS gap, min(d.sure) AS sure, min(x.from_ns) AS since_ns
      FROM finding_goroutine m
      JOIN dead d ON d.trace_id = m.trace_id AND d.g = m.g
      JOIN still x ON x.trace_id = m.trace_id AND x.g = m.g
      WHERE m.kind = 'leak'
      GROUP BY m.trace_id, m.part) f
JOIN blocked b ON b.trace_id = f.trace_id AND b.g = f.part
LEFT JOIN object o ON o.trace_id = b.trace_id AND o.object = b.object
JOIN trace t ON t.trace_id = f.trace_id;
