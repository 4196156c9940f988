-- SPDX-License-Identifier: MIT
--
-- starved: a goroutine was ready to run for trace.starve_ns or longer while others ran in its place: one of
-- them began to run ten times or more meanwhile, or as many as may run at once ran at any time through half of
-- it, each for 0.1 s or longer without a break and, by the monitor's samples, on a processor.  A fact.  A long line
-- in which each has its short turn is none, nor is a program that was stopped or had no processor: the longest pause
-- in which none began to run does not count towards the ten turns' time.
-- Of the goroutines born at one place the longest stretch counts.  The three longest are looked at.

DELETE FROM finding WHERE kind = 'starved';
DELETE FROM finding_goroutine WHERE kind = 'starved';

CREATE TEMP TABLE IF NOT EXISTS hungry(trace_id BIGINT, part BIGINT, n BIGINT, from_ns BIGINT,
                                       to_ns BIGINT, born_site BIGINT, many BIGINT,
                                       PRIMARY KEY (trace_id, part));
DELETE FROM hungry;
INSERT INTO hungry(trace_id, part, n, from_ns, to_ns, born_site, many)
SELECT l.trace_id, l.g, l.n, l.from_ns, l.until_ns, l.born_site, l.many
FROM (SELECT h.*, row_number() OVER (PARTITION BY h.trace_id ORDER BY h.until_ns - h.from_ns DESC, h.g) AS rank
      FROM (SELECT x.trace_id, x.g, x.n, x.from_ns, coalesce(x.to_ns, t.duration_ns) AS until_ns,
                   coalesce(g.born_site, 0) AS born_site,
                   row_number() OVER (PARTITION BY x.trace_id, coalesce(g.born_site, 0)
                                      ORDER BY coalesce(x.to_ns, t.duration_ns) - x.from_ns DESC, x.g) AS place,
                   count(*) OVER (PARTITION BY x.trace_id, coalesce(g.born_site, 0)) AS many
            FROM late x
            JOIN trace t ON t.trace_id = x.trace_id
            JOIN goroutine g ON g.trace_id = x.trace_id AND g.g = x.g
            WHERE coalesce(x.to_ns, t.duration_ns) - x.from_ns >= t.starve_ns
              AND (x.to_ns IS NOT NULL OR t.main_ended_ns IS NULL)) h
      WHERE h.place = 1) l
WHERE l.rank <= 3;

-- Who ran meanwhile, and how: hog_ns of it in long turns.  The intervals are read once for each of at most three
-- stretches.
CREATE TEMP TABLE IF NOT EXISTS eater(trace_id BIGINT, part BIGINT, g BIGINT, starts BIGINT,
                                      hog_ns BIGINT, ran_ns BIGINT);
DELETE FROM eater;
INSERT INTO eater(trace_id, part, g, starts, hog_ns, ran_ns)
SELECT r.trace_id, r.part, r.g, count(CASE WHEN r.start_ns > r.from_ns THEN 1 END),
       sum(CASE WHEN r.end_ns - r.start_ns >= 100000000
                 AND EXISTS (SELECT 1 FROM busy b
                             WHERE b.trace_id = r.trace_id AND b.g = r.g
                               AND b.ts_ns BETWEEN r.start_ns AND r.end_ns AND b.cpu_ns >= b.run_ns / 2)
                THEN r.ran_ns ELSE 0 END),
       sum(r.ran_ns)
FROM (SELECT h.trace_id, h.part, h.from_ns, h.to_ns, i.g, i.from_ns AS start_ns,
             coalesce(i.to_ns, t.duration_ns) AS end_ns,
             CASE WHEN i.to_ns < h.to_ns THEN i.to_ns ELSE h.to_ns END -
             CASE WHEN i.from_ns > h.from_ns THEN i.from_ns ELSE h.from_ns END AS ran_ns
      FROM hungry h
      JOIN trace t ON t.trace_id = h.trace_id
      CROSS JOIN interval i
      WHERE i.trace_id = h.trace_id AND i.state = 2 AND i.from_ns < h.to_ns
        AND (i.to_ns IS NULL OR i.to_ns > h.from_ns) AND i.g <> h.part) r
GROUP BY r.trace_id, r.part, r.g;

CREATE TEMP TABLE IF NOT EXISTS pause(trace_id BIGINT, part BIGINT, ns BIGINT, PRIMARY KEY (trace_id, part));
DELETE FROM pause;
INSERT INTO pause(trace_id, part, ns)
SELECT x.trace_id, x.part, max(x.at_ns - x.before_ns)
FROM (SELECT p.trace_id, p.part, p.at_ns,
             lag(p.at_ns) OVER (PARTITION BY p.trace_id, p.part ORDER BY p.at_ns) AS before_ns
      FROM (SELECT h.trace_id, h.part, i.from_ns AS at_ns
            FROM hungry h
            CROSS JOIN interval i
            WHERE i.trace_id = h.trace_id AND i.state = 2 AND i.from_ns > h.from_ns AND i.from_ns < h.to_ns
            UNION ALL
            SELECT h.trace_id, h.part, h.from_ns FROM hungry h
            UNION ALL
            SELECT h.trace_id, h.part, h.to_ns FROM hungry h) p) x
GROUP BY x.trace_id, x.part;
DELETE FROM hungry
WHERE NOT EXISTS (SELECT 1 FROM eater e
                  JOIN trace t ON t.trace_id = e.trace_id
                  JOIN pause p ON p.trace_id = e.trace_id AND p.part = e.part
                  WHERE e.trace_id = hungry.trace_id AND e.part = hungry.part AND e.starts >= 10
                    AND hungry.to_ns - hungry.from_ns - p.ns >= t.starve_ns)
  AND (SELECT coalesce(sum(e.hog_ns), 0) FROM eater e
       WHERE e.trace_id = hungry.trace_id AND e.part = hungry.part)
      < (SELECT coalesce(t.maxprocs, 1) FROM trace t WHERE t.trace_id = hungry.trace_id)
        * (hungry.to_ns - hungry.from_ns) / 2;

INSERT INTO finding_goroutine(trace_id, kind, part, g)
SELECT DISTINCT h.trace_id, 'starved', h.part, x.g
FROM hungry h
JOIN late x ON x.trace_id = h.trace_id
JOIN trace t ON t.trace_id = x.trace_id
JOIN goroutine g ON g.trace_id = x.trace_id AND g.g = x.g AND coalesce(g.born_site, 0) = h.born_site
WHERE coalesce(x.to_ns, t.duration_ns) - x.from_ns >= t.starve_ns;

INSERT INTO finding(trace_id, kind, part, certainty, severity, title, why, hint, count, since_ns,
                    blocked_file, blocked_line, blocked_func, blocked_text, born_file, born_line,
                    born_func, born_text, touches_gap)
SELECT h.trace_id, 'starved', h.part, 'fact', 'warning',
       n.label || ' was ready to run for ' || round((h.to_ns - h.from_ns) / 1e9, 1) ||
         ' s and had no turn',
       'meanwhile ran ' || e.text,
       'let who ran so long call gor_yield(), or give it less to do at once',
       (SELECT count(*) FROM finding_goroutine m
        WHERE m.trace_id = h.trace_id AND m.kind = 'starved' AND m.part = h.part),
       h.from_ns, coalesce(s.file, b.file), coalesce(s.line, b.line),
       CASE WHEN s.file IS NOT NULL THEN s.func ELSE b.func END, 'ready to run',
       b.file, b.line, b.func, 'go ' || b.text, 0
FROM hungry h
JOIN goroutine g ON g.trace_id = h.trace_id AND g.g = h.part
JOIN goroutine_name n ON n.trace_id = h.trace_id AND n.g = h.part
JOIN (SELECT r.trace_id, r.part,
             max(CASE r.place WHEN 1 THEN r.text END) ||
             coalesce('; ' || max(CASE r.place WHEN 2 THEN r.text END), '') ||
             coalesce('; ' || max(CASE r.place WHEN 3 THEN r.text END), '') AS text
      FROM (SELECT v.trace_id, v.part,
                   n.label || ', ' || round(v.ran_ns / 1e9, 1) || ' s' ||
                   CASE WHEN v.starts > 1 THEN ' in ' || v.starts || ' turns' ELSE ' at a stretch' END AS text,
                   row_number() OVER (PARTITION BY v.trace_id, v.part ORDER BY v.ran_ns DESC, v.g) AS place
            FROM eater v
            JOIN goroutine_name n ON n.trace_id = v.trace_id AND n.g = v.g
            WHERE v.starts >= 10 OR v.hog_ns > 0) r
      GROUP BY r.trace_id, r.part) e ON e.trace_id = h.trace_id AND e.part = h.part
LEFT JOIN interval i ON i.trace_id = h.trace_id AND i.g = h.part AND i.n = h.n - 1
LEFT JOIN site s ON s.trace_id = i.trace_id AND s.site = i.site
LEFT JOIN site b ON b.trace_id = g.trace_id AND b.site = g.born_site AND b.file <> '';
DROP TABLE hungry;
DROP TABLE eater;
DROP TABLE pause;
