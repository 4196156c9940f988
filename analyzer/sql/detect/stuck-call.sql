-- SPDX-License-Identifier: MIT
--
-- stuck-call: at the end of the trace a goroutine has been for trace.call_ns or longer in a system call or
-- in foreign code (view caller), while main had not ended; a tenth of that is enough if nothing but
-- such calls goes on, and no timer is armed: then all wait for it.  A fact: it may wait for a user.
-- A note; a warning if main is dead, and then it may be what hides that.  A thread of the program's own in
-- its own code is no call, and who uses a processor there spins.

DELETE FROM finding WHERE kind = 'stuck-call';
DELETE FROM finding_goroutine WHERE kind = 'stuck-call';

INSERT INTO finding_goroutine(trace_id, kind, part, g)
SELECT e.trace_id, 'stuck-call',
       min(e.g) OVER (PARTITION BY e.trace_id, coalesce(p.site, 0), coalesce(e.born_site, 0)), e.g
FROM caller e
JOIN trace t ON t.trace_id = e.trace_id AND t.main_ended_ns IS NULL
JOIN goroutine g ON g.trace_id = e.trace_id AND g.g = e.g
LEFT JOIN interval p ON p.trace_id = g.trace_id AND p.g = g.g
  AND p.n = (SELECT max(l.n) FROM interval l
             WHERE l.trace_id = g.trace_id AND l.g = g.g AND l.site IS NOT NULL)
LEFT JOIN spinner s ON s.trace_id = e.trace_id AND s.g = e.g
WHERE s.g IS NULL
  AND t.duration_ns - e.since_ns >= CASE
        WHEN EXISTS (SELECT 1
                     FROM source o
                     LEFT JOIN caller c ON c.trace_id = o.trace_id AND c.g = o.g
                     WHERE o.trace_id = t.trace_id AND c.g IS NULL) THEN t.call_ns
        ELSE t.call_ns / 10 END;

INSERT INTO finding(trace_id, kind, part, certainty, severity, title, why, hint, count, since_ns,
                    blocked_file, blocked_line, blocked_func, blocked_text, born_file, born_line,
                    born_func, born_text, touches_gap)
SELECT f.trace_id, 'stuck-call', f.part, 'fact',
       CASE WHEN EXISTS (SELECT 1 FROM dead d WHERE d.trace_id = f.trace_id AND d.g = 1)
            THEN 'warning' ELSE 'info' END,
       f.n || CASE f.n WHEN 1 THEN ' goroutine' ELSE ' goroutines' END ||
         ' in a call outside for ' || round((t.duration_ns - f.since_ns) / 1e9, 1) || ' s',
       n.label || ' has not come back from ' || CASE h.why WHEN 'explicit' THEN 'foreign code' ELSE 'a system call' END,
       'give the call a deadline, or let another thread end it: close the file, send a signal',
       f.n, f.since_ns, coalesce(p.file, b.file), coalesce(p.line, b.line),
       CASE WHEN p.file IS NOT NULL THEN p.func ELSE b.func END, 'in a call outside',
       b.file, b.line, b.func, 'go ' || b.text, 0
FROM (SELECT m.trace_id, m.part, count(*) AS n, min(e.since_ns) AS since_ns
      FROM finding_goroutine m
      JOIN caller e ON e.trace_id = m.trace_id AND e.g = m.g
      WHERE m.kind = 'stuck-call'
      GROUP BY m.trace_id, m.part) f
JOIN trace t ON t.trace_id = f.trace_id
JOIN goroutine g ON g.trace_id = f.trace_id AND g.g = f.part
JOIN goroutine_name n ON n.trace_id = f.trace_id AND n.g = f.part
LEFT JOIN (SELECT y.trace_id, y.g, y.why, row_number() OVER (PARTITION BY y.trace_id, y.g ORDER BY y.n DESC) AS place
           FROM handoff y
           WHERE (y.trace_id, y.g) IN (SELECT m.trace_id, m.part FROM finding_goroutine m
                                       WHERE m.kind = 'stuck-call')) h
  ON h.trace_id = f.trace_id AND h.g = f.part AND h.place = 1
LEFT JOIN interval i ON i.trace_id = g.trace_id AND i.g = g.g
  AND i.n = (SELECT max(l.n) FROM interval l
             WHERE l.trace_id = g.trace_id AND l.g = g.g AND l.site IS NOT NULL)
LEFT JOIN site p ON p.trace_id = i.trace_id AND p.site = i.site
LEFT JOIN site b ON b.trace_id = g.trace_id AND b.site = g.born_site AND b.file <> '';
