-- SPDX-License-Identifier: MIT
--
-- pool-exhausted: at the end of the trace goroutines have been ready to run for trace.exhaust_ns or longer,
-- nothing else has happened to any goroutine for that long, and as many as may run at once, or more, are on
-- threads that do not run: in a call outside, or, by the monitor's sample, on no processor.  A fact.
-- Who was found at a place runs, however little a busy machine leaves to it.
-- Without such a sample or a handoff, a program that was stopped as a whole would look the same.

DELETE FROM finding WHERE kind = 'pool-exhausted';
DELETE FROM finding_goroutine WHERE kind = 'pool-exhausted';

CREATE TEMP TABLE IF NOT EXISTS stuck(trace_id BIGINT, g BIGINT, since_ns BIGINT,
                                      PRIMARY KEY (trace_id, g));
DELETE FROM stuck;
INSERT INTO stuck(trace_id, g, since_ns)
SELECT e.trace_id, e.g, e.since_ns
FROM goroutine_at_end e
JOIN trace t ON t.trace_id = e.trace_id AND t.main_ended_ns IS NULL
WHERE e.foreign_thread IS NULL AND t.duration_ns - e.since_ns >= t.exhaust_ns
  AND (e.state = 5
       OR (e.state = 2 AND EXISTS (SELECT 1 FROM busy b
                                   WHERE b.trace_id = e.trace_id AND b.g = e.g
                                     AND b.ts_ns >= e.since_ns + t.exhaust_ns / 2
                                     AND b.pc IS NULL AND b.cpu_ns < b.run_ns / 4)));

CREATE TEMP TABLE IF NOT EXISTS exhausted(trace_id BIGINT PRIMARY KEY);
DELETE FROM exhausted;
INSERT INTO exhausted(trace_id)
SELECT t.trace_id
FROM trace t
WHERE t.main_ended_ns IS NULL
  AND (SELECT count(*) FROM stuck s WHERE s.trace_id = t.trace_id) >= coalesce(t.maxprocs, 1)
  AND NOT EXISTS (SELECT 1 FROM goroutine_at_end o
                  WHERE o.trace_id = t.trace_id AND o.state = 2
                    AND NOT EXISTS (SELECT 1 FROM stuck s
                                    WHERE s.trace_id = o.trace_id AND s.g = o.g))
  AND t.duration_ns - (SELECT max(o.since_ns) FROM goroutine_at_end o
                       WHERE o.trace_id = t.trace_id) >= t.exhaust_ns;

INSERT INTO finding_goroutine(trace_id, kind, part, g)
SELECT e.trace_id, 'pool-exhausted', 0, e.g
FROM goroutine_at_end e
WHERE e.state = 1 AND e.trace_id IN (SELECT x.trace_id FROM exhausted x);
DROP TABLE exhausted;

INSERT INTO finding(trace_id, kind, part, certainty, severity, title, why, hint, count, since_ns,
                    blocked_file, blocked_line, blocked_func, blocked_text, born_file, born_line,
                    born_func, born_text, touches_gap)
SELECT f.trace_id, 'pool-exhausted', 0, 'fact', 'error',
       f.n || CASE f.n WHEN 1 THEN ' goroutine is' ELSE ' goroutines are' END ||
         ' ready to run, and every thread is in a call',
       k.text, 'give these calls a deadline, or wrap them in gor_blocking(); raise GOR_DEBUG threads=',
       f.n, f.since_ns, coalesce(s.file, b.file), coalesce(s.line, b.line),
       CASE WHEN s.file IS NOT NULL THEN s.func ELSE b.func END, 'ready to run', b.file, b.line, b.func, 'go ' || b.text, 0
FROM (SELECT m.trace_id, count(*) AS n, min(m.g) AS first, max(e.since_ns) AS since_ns
      FROM finding_goroutine m
      JOIN goroutine_at_end e ON e.trace_id = m.trace_id AND e.g = m.g
      WHERE m.kind = 'pool-exhausted'
      GROUP BY m.trace_id) f
JOIN (SELECT r.trace_id, count(*) || ' on threads that do not run: ' ||
             max(CASE r.place WHEN 1 THEN r.label END) ||
             coalesce(', ' || max(CASE r.place WHEN 2 THEN r.label END), '') ||
             coalesce(', ' || max(CASE r.place WHEN 3 THEN r.label END), '') AS text
      FROM (SELECT s.trace_id, n.label, row_number() OVER (PARTITION BY s.trace_id ORDER BY s.g) AS place
            FROM stuck s
            JOIN goroutine_name n ON n.trace_id = s.trace_id AND n.g = s.g) r
      GROUP BY r.trace_id) k ON k.trace_id = f.trace_id
JOIN goroutine g ON g.trace_id = f.trace_id AND g.g = f.first
LEFT JOIN interval i ON i.trace_id = g.trace_id AND i.g = g.g AND i.n = g.intervals - 2
LEFT JOIN site s ON s.trace_id = i.trace_id AND s.site = i.site
LEFT JOIN site b ON b.trace_id = g.trace_id AND b.site = g.born_site AND b.file <> '';
DROP TABLE stuck;
