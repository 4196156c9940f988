-- SPDX-License-Identifier: MIT
--
-- global-deadlock: nothing runs, is ready, sleeps, is in I/O or in a call, no timer is armed, somebody
-- waits, and main has not ended.  Proven: nobody is left who could do anything.  Who is in a finding that
-- says more, as one of the causes, is not listed again but for main, and for cycles of locks.

DELETE FROM finding WHERE kind = 'global-deadlock';
DELETE FROM finding_goroutine WHERE kind = 'global-deadlock';
DELETE FROM finding_object WHERE kind = 'global-deadlock';
DELETE FROM finding_wait WHERE kind = 'global-deadlock';

INSERT INTO finding_goroutine(trace_id, kind, part, g)
SELECT d.trace_id, 'global-deadlock', 0, d.g
FROM dead d
JOIN all_dead a ON a.trace_id = d.trace_id
WHERE d.g = 1 OR coalesce(d.kind, 'lock-deadlock') = 'lock-deadlock';

INSERT INTO finding(trace_id, kind, part, certainty, severity, title, why, hint, count, since_ns,
                    blocked_file, blocked_line, blocked_func, blocked_text, born_file, born_line,
                    born_func, born_text, touches_gap)
SELECT f.trace_id, 'global-deadlock', 0,
       CASE WHEN t.end <> 'deadlock' AND (f.gap = 1 OR f.sure = 0) THEN 'probable' ELSE 'proven' END,
       'error',
       CASE f.n WHEN 1 THEN 'the only goroutine waits' WHEN 2 THEN 'both goroutines wait' ELSE 'all ' || f.n || ' goroutines wait' END ||
         ', and nobody is left to wake ' || CASE f.n WHEN 1 THEN 'it' ELSE 'them' END,
       n.label || ' waits in ' || b.blocked_text ||
         coalesce('; ' || (SELECT s.text FROM side s
                           WHERE s.trace_id = b.trace_id AND s.object = b.object
                             AND s.op = CASE b.reason WHEN 1 THEN 'chan send' WHEN 2 THEN 'chan receive'
                                                      WHEN 10 THEN 'waitgroup done' END),
                  CASE b.reason WHEN 1 THEN '; nobody ever sent on it'
                                WHEN 2 THEN '; nobody ever received from it'
                                WHEN 3 THEN '; a nil channel never becomes ready'
                                WHEN 4 THEN '; a nil channel never becomes ready'
                                WHEN 6 THEN '; it has no cases' END,
                  '') ||
         CASE WHEN f.rings = 1 THEN '; the cause is the cycle of locks reported as lock-deadlock'
              WHEN f.cause IS NOT NULL THEN '; the cause may be what is reported as ' || f.cause ELSE '' END,
       NULL,
       (SELECT count(*) FROM finding_goroutine m
        WHERE m.trace_id = f.trace_id AND m.kind = 'global-deadlock'), f.since_ns, b.file, b.line, b.func, b.blocked_text, b.born_file, b.born_line,
       b.born_func, 'go ' || b.born_text, f.gap
FROM (SELECT d.trace_id, count(*) AS n, min(d.g) AS first, min(d.sure) AS sure, max(d.gap) AS gap,
             max(x.from_ns) AS since_ns, max(CASE WHEN d.ring IS NOT NULL THEN 1 ELSE 0 END) AS rings, min(d.kind) AS cause
      FROM dead d
      JOIN all_dead a ON a.trace_id = d.trace_id
      JOIN still x ON x.trace_id = d.trace_id AND x.g = d.g
      GROUP BY d.trace_id) f
JOIN trace t ON t.trace_id = f.trace_id
JOIN blocked b ON b.trace_id = f.trace_id AND b.g = f.first
JOIN goroutine_name n ON n.trace_id = f.trace_id AND n.g = f.first;

INSERT INTO finding_object(trace_id, kind, part, object, holder)
SELECT m.trace_id, m.kind, 0, w.object, min(h.g)
FROM finding_goroutine m
JOIN wait_on w ON w.trace_id = m.trace_id AND w.g = m.g
LEFT JOIN hold h ON h.trace_id = w.trace_id AND h.object = w.object AND h.to_ns IS NULL
WHERE m.kind = 'global-deadlock'
GROUP BY m.trace_id, m.kind, w.object;

INSERT INTO finding_wait(trace_id, kind, part, g, object, held_by)
SELECT DISTINCT m.trace_id, m.kind, 0, w.g, w.object, o.holder
FROM finding_goroutine m
JOIN wait_on w ON w.trace_id = m.trace_id AND w.g = m.g
JOIN finding_object o ON o.trace_id = m.trace_id AND o.kind = m.kind AND o.part = 0 AND o.object = w.object
WHERE m.kind = 'global-deadlock';
