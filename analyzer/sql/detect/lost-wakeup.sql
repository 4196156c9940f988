-- SPDX-License-Identifier: MIT
--
-- lost-wakeup: dead, parked on a condition whose last signal came before the wait began and woke nobody.
-- Nobody outside of the dead set will signal it again.  Proven if that is sure, else probable, as a leak.
-- Left out: those in the table idle (alive-at-exit.sql): workers of a pool that got no more work.

DELETE FROM finding WHERE kind = 'lost-wakeup';
DELETE FROM finding_goroutine WHERE kind = 'lost-wakeup';
DELETE FROM finding_object WHERE kind = 'lost-wakeup';
DELETE FROM finding_wait WHERE kind = 'lost-wakeup';

INSERT INTO finding_goroutine(trace_id, kind, part, g)
SELECT l.trace_id, 'lost-wakeup',
       min(l.g) OVER (PARTITION BY l.trace_id, l.site, l.born_site, l.made_site), l.g
FROM (SELECT d.trace_id, d.g, x.site, g.born_site, o.made_site
      FROM dead d
      JOIN goroutine g ON g.trace_id = d.trace_id AND g.g = d.g
      JOIN still x ON x.trace_id = g.trace_id AND x.g = g.g
      LEFT JOIN object o ON o.trace_id = x.trace_id AND o.object = x.object
      LEFT JOIN idle i ON i.trace_id = d.trace_id AND i.g = d.g
      WHERE d.kind = 'lost-wakeup' AND d.behind IS NULL AND i.g IS NULL) l;

INSERT INTO finding_wait(trace_id, kind, part, g, object)
SELECT m.trace_id, m.kind, m.part, w.g, w.object
FROM finding_goroutine m
JOIN wait_on w ON w.trace_id = m.trace_id AND w.g = m.g
WHERE m.kind = 'lost-wakeup';

INSERT INTO finding_object(trace_id, kind, part, object)
SELECT DISTINCT trace_id, kind, part, object FROM finding_wait WHERE kind = 'lost-wakeup';

INSERT INTO finding(trace_id, kind, part, certainty, severity, title, why, hint, count, since_ns,
                    blocked_file, blocked_line, blocked_func, blocked_text, born_file, born_line,
                    born_func, born_text, touches_gap)
SELECT f.trace_id, 'lost-wakeup', f.part,
       CASE WHEN f.gap = 1 OR f.sure = 0 THEN 'probable' ELSE 'proven' END, 'error',
       f.n || CASE f.n WHEN 1 THEN ' goroutine waits' ELSE ' goroutines wait' END ||
         ' for a signal that came before, in ' || b.blocked_text,
       'the last signal, by ' || n.label || coalesce(' at ' || s.file || ':' || s.line, '') || ', came ' ||
         CASE WHEN u.last_ns < 1000000 THEN round(u.last_ns / 1e3, 1) || ' us'
              WHEN u.last_ns < 1000000000 THEN round(u.last_ns / 1e6, 1) || ' ms'
              ELSE round(u.last_ns / 1e9, 1) || ' s' END ||
         ' into the run, when nobody waited; the wait began ' ||
         CASE WHEN b.since_ns - u.last_ns < 1000000 THEN round((b.since_ns - u.last_ns) / 1e3, 1) || ' us'
              WHEN b.since_ns - u.last_ns < 1000000000 THEN round((b.since_ns - u.last_ns) / 1e6, 1) || ' ms'
              ELSE round((b.since_ns - u.last_ns) / 1e9, 1) || ' s' END ||
         ' later; nobody is left to signal again',
       'change the state and signal under the same lock, and look at the state before each wait',
       f.n, f.since_ns, b.file, b.line, b.func, b.blocked_text, b.born_file, b.born_line, b.born_func,
       'go ' || b.born_text, f.gap
FROM (SELECT m.trace_id, m.part, count(*) AS n, max(d.gap) AS gap, min(d.sure) AS sure,
             min(x.from_ns) AS since_ns
      FROM finding_goroutine m
      JOIN dead d ON d.trace_id = m.trace_id AND d.g = m.g
      JOIN goroutine g ON g.trace_id = m.trace_id AND g.g = m.g
      JOIN still x ON x.trace_id = g.trace_id AND x.g = g.g
      WHERE m.kind = 'lost-wakeup'
      GROUP BY m.trace_id, m.part) f
JOIN blocked b ON b.trace_id = f.trace_id AND b.g = f.part
JOIN (SELECT u.trace_id, u.object, u.g, u.last_ns, u.site,
             row_number() OVER (PARTITION BY u.trace_id, u.object
                                ORDER BY u.last_ns DESC, u.g, u.op) AS place
      FROM use u
      JOIN (SELECT DISTINCT trace_id, object FROM finding_object WHERE kind = 'lost-wakeup') o
        ON o.trace_id = u.trace_id AND o.object = u.object
      WHERE u.op IN ('cond signal', 'cond broadcast')) u
  ON u.trace_id = b.trace_id AND u.object = b.object AND u.place = 1
JOIN goroutine_name n ON n.trace_id = u.trace_id AND n.g = u.g
LEFT JOIN site s ON s.trace_id = u.trace_id AND s.site = u.site;
