-- SPDX-License-Identifier: MIT
--
-- poll: at the end of the trace a goroutine has tried at one place, without waiting, for trace.poll_ns and
-- more (view asker): a try, a select with a default, a yield; none succeeded, trace.poll_tries times and more.
-- A fact, and a warning, if it ran for trace.poll_percent of that time and more (view poller); an error if main is
-- dead, which this hides.  Probable, and an error, if nobody can make the try succeed: it is as dead as if it
-- waited, however long it sleeps between the tries.  That is so if all others have waited for half of that time
-- and more, none of them will go on by itself, no timer is armed, and who tries does nothing else: no use of an
-- object in the second half of that time, and 20 us at most from one try to the next.  Not of yields: a flag may be
-- set by a thread that the trace knows nothing of.

DELETE FROM finding WHERE kind = 'poll';
DELETE FROM finding_goroutine WHERE kind = 'poll';

CREATE TEMP TABLE IF NOT EXISTS polling(trace_id BIGINT, g BIGINT, part BIGINT, site BIGINT,
                                        yields BIGINT, count BIGINT, from_ns BIGINT, mere BIGINT,
                                        alone BIGINT, PRIMARY KEY (trace_id, g));
DELETE FROM polling;
INSERT INTO polling(trace_id, g, part, site, yields, count, from_ns, mere, alone)
SELECT p.trace_id, p.g,
       min(p.g) OVER (PARTITION BY p.trace_id, p.site, coalesce(g.born_site, 0)),
       p.site, p.yields, p.count, p.from_ns,
       CASE WHEN p.yields = 0 AND coalesce(p.ran_ns, 0) <= p.count * 20000 AND NOT EXISTS (
         SELECT 1 FROM use u
         WHERE u.trace_id = p.trace_id AND u.g = p.g AND u.last_ns > (p.from_ns + t.duration_ns) / 2)
         THEN 1 ELSE 0 END,
       0
FROM asker p
JOIN trace t ON t.trace_id = p.trace_id
JOIN goroutine g ON g.trace_id = p.trace_id AND g.g = p.g;
UPDATE polling SET alone = 1
WHERE mere = 1 AND trace_id IN (
  SELECT t.trace_id FROM trace t
  WHERE t.begin_ns IS NULL AND t.lost_batches = 0 AND t.partial = 0 AND t.main_ended_ns IS NULL
    AND NOT EXISTS (SELECT 1 FROM timer m WHERE m.trace_id = t.trace_id AND m.stopped_ns IS NULL)
    AND NOT EXISTS (SELECT 1 FROM source s
                    WHERE s.trace_id = t.trace_id
                      AND NOT EXISTS (SELECT 1 FROM polling q
                                      WHERE q.trace_id = s.trace_id AND q.g = s.g AND q.mere = 1))
    AND NOT EXISTS (SELECT 1 FROM goroutine_at_end e
                    WHERE e.trace_id = t.trace_id
                      AND e.since_ns > (SELECT min(q.from_ns + t.duration_ns) / 2 FROM polling q
                                        WHERE q.trace_id = t.trace_id)
                      AND NOT EXISTS (SELECT 1 FROM polling q
                                      WHERE q.trace_id = e.trace_id AND q.g = e.g AND q.mere = 1)));
DELETE FROM polling -- livelock says more
WHERE EXISTS (SELECT 1 FROM finding_goroutine m
              WHERE m.trace_id = polling.trace_id AND m.kind = 'livelock' AND m.g = polling.g);
DELETE FROM polling
WHERE alone = 0 AND NOT EXISTS (SELECT 1 FROM poller p
                                WHERE p.trace_id = polling.trace_id AND p.g = polling.g);

INSERT INTO finding_goroutine(trace_id, kind, part, g)
SELECT trace_id, 'poll', part, g FROM polling;

INSERT INTO finding(trace_id, kind, part, certainty, severity, title, why, hint, count, since_ns,
                    blocked_file, blocked_line, blocked_func, blocked_text, born_file, born_line,
                    born_func, born_text, touches_gap)
SELECT f.trace_id, 'poll', f.part, CASE WHEN f.alone = 1 THEN 'probable' ELSE 'fact' END,
       CASE WHEN f.alone = 1 OR EXISTS (SELECT 1 FROM dead d WHERE d.trace_id = f.trace_id AND d.g = 1)
            THEN 'error' ELSE 'warning' END,
       f.n || CASE f.n WHEN 1 THEN ' goroutine asks' ELSE ' goroutines ask' END ||
         ' again and again in vain' || coalesce(', ' || s.op || coalesce(' "' || nullif(ltrim(s.text, '*&'), '') || '"', ''), ''),
       f.tries || CASE f.yields WHEN 1 THEN ' yields with nothing else between'
                                ELSE ' tries failed, none succeeded' END || ' in ' ||
         CASE WHEN t.duration_ns - f.from_ns < 1000000 THEN round((t.duration_ns - f.from_ns) / 1e3, 1) || ' us'
              WHEN t.duration_ns - f.from_ns < 1000000000 THEN round((t.duration_ns - f.from_ns) / 1e6, 1) || ' ms'
              ELSE round((t.duration_ns - f.from_ns) / 1e9, 1) || ' s' END ||
         CASE WHEN f.alone = 1 THEN '; all other goroutines wait, and nothing will wake them'
              ELSE '' END,
       'wait instead: receive, lock or select without a default',
       f.n, f.from_ns, s.file, s.line, s.func,
       coalesce(s.op || coalesce(' "' || nullif(ltrim(s.text, '*&'), '') || '"', ''), ''),
       b.file, b.line, b.func, 'go ' || b.text, 0
FROM (SELECT p.trace_id, p.part, count(*) AS n, sum(p.count) AS tries, min(p.from_ns) AS from_ns,
             max(p.yields) AS yields, max(p.alone) AS alone, max(p.site) AS site
      FROM polling p GROUP BY p.trace_id, p.part) f
JOIN trace t ON t.trace_id = f.trace_id
JOIN goroutine g ON g.trace_id = f.trace_id AND g.g = f.part
LEFT JOIN site s ON s.trace_id = f.trace_id AND s.site = f.site
LEFT JOIN site b ON b.trace_id = g.trace_id AND b.site = g.born_site AND b.file <> '';
DROP TABLE polling;
