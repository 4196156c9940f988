-- SPDX-License-Identifier: MIT
--
-- livelock: a closed set of goroutines goes round and round, nothing enters it and nothing leaves it, and that
-- gets nobody anywhere.  Table repeat has who goes round: thousands of times the same few steps, waiting for each
-- other, yielding or sleeping, without computing, up to the end; no new goroutine, no new object, no file, no timer.
-- Each of them takes from another one and gives to another one, as a token goes round, or asks in vain, as for a
-- lock that the other one has; who only gives or only takes has work to do.  Table dead_if: nobody else uses what
-- they use.  And either somebody has waited all that time whom nobody else could wake, or all of them ask in vain.
-- Suspect: a long exchange that will end looks like this while it goes on.

DELETE FROM finding WHERE kind = 'livelock';
DELETE FROM finding_goroutine WHERE kind = 'livelock';
DELETE FROM finding_object WHERE kind = 'livelock';

INSERT INTO finding_goroutine(trace_id, kind, part, g)
SELECT m.trace_id, 'livelock', 0, m.g
FROM dead_if m
WHERE m.supposed = 'repeat' AND m.member = 1
  AND NOT EXISTS (SELECT 1
                  FROM dead_if w
                  JOIN goroutine_at_end e ON e.trace_id = w.trace_id AND e.g = w.g
                  WHERE w.trace_id = m.trace_id AND w.supposed = 'repeat' AND w.member = 0
                    AND e.since_ns > (SELECT max(r.since_ns) FROM repeat r WHERE r.trace_id = m.trace_id))
  AND (EXISTS (SELECT 1
               FROM dead_if w
               WHERE w.trace_id = m.trace_id AND w.supposed = 'repeat' AND w.member = 0
                 AND NOT EXISTS (SELECT 1 FROM dead d WHERE d.trace_id = w.trace_id AND d.g = w.g))
       OR NOT EXISTS (SELECT 1
                      FROM dead_if x
                      JOIN repeat r ON r.trace_id = x.trace_id AND r.g = x.g AND r.asks = 0
                      WHERE x.trace_id = m.trace_id AND x.supposed = 'repeat'));

-- Who asks and does nothing else is a poll, unless there are others that go round with it.
DELETE FROM finding_goroutine
WHERE kind = 'livelock'
  AND NOT EXISTS (SELECT 1
                  FROM finding_goroutine m
                  JOIN repeat_on o ON o.trace_id = m.trace_id AND o.g = m.g AND o.now = 1
                  WHERE m.trace_id = finding_goroutine.trace_id AND m.kind = 'livelock');

INSERT INTO finding_object(trace_id, kind, part, object)
SELECT DISTINCT m.trace_id, m.kind, m.part, o.object
FROM finding_goroutine m
JOIN repeat_on o ON o.trace_id = m.trace_id AND o.g = m.g AND o.now = 1
WHERE m.kind = 'livelock';

INSERT INTO finding(trace_id, kind, part, certainty, severity, title, why, hint, count, since_ns,
                    blocked_file, blocked_line, blocked_func, blocked_text, born_file, born_line,
                    born_func, born_text, touches_gap)
SELECT f.trace_id, 'livelock', 0, 'suspect',
       CASE WHEN f.main = 1 THEN 'error' ELSE 'warning' END,
       f.n || CASE f.n WHEN 1 THEN ' goroutine goes' ELSE ' goroutines go' END ||
         ' round and round and ' || CASE f.n WHEN 1 THEN 'gets' ELSE 'get' END || ' nowhere',
       n.label || ' has gone round ' || f.rounds || ' times' ||
         CASE WHEN f.asks = f.n THEN ', and all that they ask for is in vain'
              ELSE ', and nobody else uses what they use' END ||
         coalesce('; ' || (SELECT l.label || CASE WHEN count(*) > 1 THEN ' and ' || (count(*) - 1) || ' more wait' ELSE ' waits' END
                           FROM dead_if w
                           JOIN goroutine_name l ON l.trace_id = w.trace_id
                            AND l.g = (SELECT min(z.g) FROM dead_if z
                                       WHERE z.trace_id = f.trace_id AND z.supposed = 'repeat' AND z.member = 0)
                           WHERE w.trace_id = f.trace_id AND w.supposed = 'repeat' AND w.member = 0
                           GROUP BY l.label) || ' for what only they could bring about', ''),
       'see what is to end this, and whether it can still come; let go of all locks before the next try',
       f.n, f.since_ns, coalesce(s.file, b.file), coalesce(s.line, b.line),
       CASE WHEN s.file IS NOT NULL THEN s.func ELSE b.func END,
       CASE WHEN s.file IS NOT NULL THEN s.op || coalesce(' "' || nullif(ltrim(s.text, '*&'), '') || '"', '') ELSE '' END,
       b.file, b.line, b.func, 'go ' || b.text,
       CASE WHEN EXISTS (SELECT 1 FROM gap p WHERE p.trace_id = f.trace_id) THEN 1 ELSE 0 END
FROM (SELECT m.trace_id, count(*) AS n, min(m.g) AS first, min(r.rounds) AS rounds, sum(r.asks) AS asks,
             max(r.since_ns) AS since_ns,
             max(CASE WHEN m.g = 1 OR EXISTS (SELECT 1 FROM dead_if w
                                              WHERE w.trace_id = m.trace_id AND w.supposed = 'repeat' AND w.g = 1)
                      THEN 1 ELSE 0 END) AS main
      FROM finding_goroutine m
      JOIN repeat r ON r.trace_id = m.trace_id AND r.g = m.g
      WHERE m.kind = 'livelock'
      GROUP BY m.trace_id) f
JOIN goroutine g ON g.trace_id = f.trace_id AND g.g = f.first
JOIN goroutine_name n ON n.trace_id = f.trace_id AND n.g = f.first
LEFT JOIN interval i ON i.trace_id = g.trace_id AND i.g = g.g
  AND i.n = (SELECT max(l.n) FROM interval l
             WHERE l.trace_id = g.trace_id AND l.g = g.g AND l.n >= g.intervals - 512 AND l.site IS NOT NULL)
LEFT JOIN poll p ON p.trace_id = g.trace_id AND p.g = g.g AND p.yields = 0 AND i.site IS NULL
  AND p.count = (SELECT max(q.count) FROM poll q WHERE q.trace_id = g.trace_id AND q.g = g.g AND q.yields = 0)
LEFT JOIN site s ON s.trace_id = g.trace_id AND s.site = coalesce(i.site, p.site)
LEFT JOIN site b ON b.trace_id = g.trace_id AND b.site = g.born_site AND b.file <> '';
