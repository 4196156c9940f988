-- SPDX-License-Identifier: MIT
--
-- spin: at the end of the trace a goroutine has used a processor for trace.spin_ns or longer without a
-- scheduling event.  A fact: it may be a long computation.  An error if it hides that main is dead
-- (hidden-deadlock), else a warning.  Who polls is left out: that says more.  Where: the place that most samples of its program counter lie in;
-- without symbols the last place it passed, else the place it was born at.

DELETE FROM finding WHERE kind = 'spin';
DELETE FROM finding_goroutine WHERE kind = 'spin';

INSERT INTO finding_goroutine(trace_id, kind, part, g)
SELECT s.trace_id, 'spin', s.g, s.g FROM spinner s
WHERE NOT EXISTS (SELECT 1 FROM poller p WHERE p.trace_id = s.trace_id AND p.g = s.g);

INSERT INTO finding(trace_id, kind, part, certainty, severity, title, why, hint, count, since_ns,
                    blocked_file, blocked_line, blocked_func, blocked_text, born_file, born_line,
                    born_func, born_text, touches_gap)
SELECT s.trace_id, 'spin', s.g, 'fact',
       CASE WHEN EXISTS (SELECT 1 FROM dead d WHERE d.trace_id = s.trace_id AND d.g = 1)
            THEN 'error' ELSE 'warning' END,
       n.label || ' has run for ' || CASE WHEN s.run_ns < 1000000 THEN round(s.run_ns / 1e3, 1) || ' us'
              WHEN s.run_ns < 1000000000 THEN round(s.run_ns / 1e6, 1) || ' ms'
              ELSE round(s.run_ns / 1e9, 1) || ' s' END || ' without a scheduling event',
       CASE WHEN s.cpu_ns < 1000000 THEN round(s.cpu_ns / 1e3, 1) || ' us'
              WHEN s.cpu_ns < 1000000000 THEN round(s.cpu_ns / 1e6, 1) || ' ms'
              ELSE round(s.cpu_ns / 1e9, 1) || ' s' END || ' of that on a processor' || coalesce(
         '; ' || p.here || ' of ' || p.n || ' samples at ' || p.file || ':' || p.line, ''),
       'let a long loop call gor_yield(), and see whether it ever ends',
       1, s.since_ns,
       coalesce(p.file, q.file, b.file), coalesce(p.line, q.line, b.line),
       CASE WHEN p.file IS NOT NULL THEN p.func WHEN q.file IS NOT NULL THEN q.func ELSE b.func END,
       'running', b.file, b.line, b.func, 'go ' || b.text, 0
FROM spinner s
JOIN finding_goroutine m ON m.trace_id = s.trace_id AND m.kind = 'spin' AND m.part = s.g AND m.g = s.g
JOIN goroutine g ON g.trace_id = s.trace_id AND g.g = s.g
JOIN goroutine_name n ON n.trace_id = s.trace_id AND n.g = s.g
LEFT JOIN (SELECT y.trace_id, y.g, y.file, y.line, y.func, count(*) AS here,
                  sum(count(*)) OVER (PARTITION BY y.trace_id, y.g) AS n,
                  row_number() OVER (PARTITION BY y.trace_id, y.g
                                     ORDER BY count(*) DESC, y.file, y.line) AS place
           FROM busy y
           JOIN spinner z ON z.trace_id = y.trace_id AND z.g = y.g AND y.ts_ns >= z.since_ns
           WHERE y.file IS NOT NULL
           GROUP BY y.trace_id, y.g, y.file, y.line, y.func) p
  ON p.trace_id = s.trace_id AND p.g = s.g AND p.place = 1
LEFT JOIN interval i ON i.trace_id = g.trace_id AND i.g = g.g AND i.site IS NOT NULL
  AND i.n = (SELECT max(l.n) FROM interval l
             WHERE l.trace_id = g.trace_id AND l.g = g.g AND l.site IS NOT NULL)
LEFT JOIN site q ON q.trace_id = i.trace_id AND q.site = i.site
LEFT JOIN site b ON b.trace_id = g.trace_id AND b.site = g.born_site;
