-- SPDX-License-Identifier: MIT
--
-- leak-growth: of the goroutines born at one place that wait, and are not found dead, there are more at the
-- end of each sixth of the trace than of the one before, by two or more; and none born there has ever ended
-- that was older than such a sixth, which is trace.grow_ns or longer.  Suspect: it may be what the program
-- is for.  Of what is older than a trace that begins in the middle, only how long it lived on counts.

DELETE FROM finding WHERE kind = 'leak-growth';
DELETE FROM finding_goroutine WHERE kind = 'leak-growth';

-- Where that may be, by the sums of each place: ten or more are alive at the end, and none that ended lived so long.
CREATE TEMP TABLE IF NOT EXISTS grown(trace_id BIGINT, site BIGINT, PRIMARY KEY (trace_id, site));
DELETE FROM grown;
INSERT INTO grown(trace_id, site)
SELECT s.trace_id, s.site
FROM spawn s
JOIN trace t ON t.trace_id = s.trace_id
WHERE t.duration_ns / 6 >= t.grow_ns AND s.longest_ns < t.duration_ns / 6 AND s.older + s.started - s.ended >= 10;

CREATE TEMP TABLE IF NOT EXISTS growing(trace_id BIGINT, part BIGINT, born_site BIGINT, first BIGINT,
                                        last BIGINT, PRIMARY KEY (trace_id, born_site));
DELETE FROM growing;
INSERT INTO growing(trace_id, part, born_site, first, last)
SELECT p.trace_id, p.part, p.born_site, p.p1, p.p6
FROM (SELECT g.trace_id, g.born_site,
             min(CASE WHEN g.ended_ns IS NULL THEN g.g END) AS part,
             count(CASE WHEN g.born_ns <= t.duration_ns / 6 AND (g.ended_ns IS NULL OR g.ended_ns > t.duration_ns / 6) THEN 1 END) AS p1,
             count(CASE WHEN g.born_ns <= t.duration_ns / 6 * 2 AND (g.ended_ns IS NULL OR g.ended_ns > t.duration_ns / 6 * 2) THEN 1 END) AS p2,
             count(CASE WHEN g.born_ns <= t.duration_ns / 6 * 3 AND (g.ended_ns IS NULL OR g.ended_ns > t.duration_ns / 6 * 3) THEN 1 END) AS p3,
             count(CASE WHEN g.born_ns <= t.duration_ns / 6 * 4 AND (g.ended_ns IS NULL OR g.ended_ns > t.duration_ns / 6 * 4) THEN 1 END) AS p4,
             count(CASE WHEN g.born_ns <= t.duration_ns / 6 * 5 AND (g.ended_ns IS NULL OR g.ended_ns > t.duration_ns / 6 * 5) THEN 1 END) AS p5,
             count(CASE WHEN g.ended_ns IS NULL THEN 1 END) AS p6
      FROM goroutine g
      CROSS JOIN grown w
      JOIN trace t ON t.trace_id = g.trace_id
      WHERE g.trace_id IN (SELECT x.trace_id FROM grown x) -- at once, if there is none
        AND w.trace_id = g.trace_id AND w.site = g.born_site
      GROUP BY g.trace_id, g.born_site) p
WHERE p.p2 >= p.p1 + 2 AND p.p3 >= p.p2 + 2 AND p.p4 >= p.p3 + 2 AND p.p5 >= p.p4 + 2 AND p.p6 >= p.p5 + 2;

INSERT INTO finding_goroutine(trace_id, kind, part, g)
SELECT e.trace_id, 'leak-growth', w.part, e.g
FROM growing w
JOIN goroutine_at_end e ON e.trace_id = w.trace_id AND e.born_site = w.born_site
WHERE e.state = 3 AND e.trace_id IN (SELECT x.trace_id FROM growing x) -- at once, if none grows
  AND NOT EXISTS (SELECT 1 FROM dead d WHERE d.trace_id = e.trace_id AND d.g = e.g);

-- Most of them wait, and are not dead: else it is a leak of its own, or no leak.
DELETE FROM growing
WHERE (SELECT count(*) FROM finding_goroutine m
       WHERE m.trace_id = growing.trace_id AND m.kind = 'leak-growth' AND m.part = growing.part) * 2
      < last;
DELETE FROM finding_goroutine
WHERE kind = 'leak-growth'
  AND (trace_id, part) NOT IN (SELECT w.trace_id, w.part FROM growing w);

INSERT INTO finding(trace_id, kind, part, certainty, severity, title, why, hint, count, since_ns,
                    blocked_file, blocked_line, blocked_func, blocked_text, born_file, born_line,
                    born_func, born_text, touches_gap)
SELECT w.trace_id, 'leak-growth', w.part, 'suspect', 'warning',
       'ever more goroutines of one place: from ' || w.first || ' to ' || w.last,
       'there were more of them at the end of each sixth of the trace, and none that was older than ' ||
         round(t.duration_ns / 6e9, 1) || ' s has ever ended; most wait in ' || b.blocked_text,
       'see what these goroutines wait for, and who should let them end',
       f.n, f.since_ns, b.file, b.line, b.func, b.blocked_text,
       b.born_file, b.born_line, b.born_func, 'go ' || b.born_text,
       CASE WHEN EXISTS (SELECT 1 FROM gap p WHERE p.trace_id = w.trace_id) THEN 1 ELSE 0 END
FROM growing w
JOIN trace t ON t.trace_id = w.trace_id
JOIN (SELECT c.trace_id, c.part, sum(c.n) AS n, min(c.since_ns) AS since_ns,
             max(CASE c.place WHEN 1 THEN c.first END) AS first
      FROM (SELECT m.trace_id, m.part, e.site, count(*) AS n, min(m.g) AS first, min(e.since_ns) AS since_ns,
                   row_number() OVER (PARTITION BY m.trace_id, m.part ORDER BY count(*) DESC, min(m.g)) AS place
            FROM finding_goroutine m
            JOIN goroutine_at_end e ON e.trace_id = m.trace_id AND e.g = m.g
            WHERE m.kind = 'leak-growth'
            GROUP BY m.trace_id, m.part, e.site) c
      GROUP BY c.trace_id, c.part) f ON f.trace_id = w.trace_id AND f.part = w.part
JOIN blocked b ON b.trace_id = w.trace_id AND b.g = f.first;
DROP TABLE growing;
DROP TABLE grown;
