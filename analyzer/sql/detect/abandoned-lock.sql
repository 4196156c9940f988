-- SPDX-License-Identifier: MIT
--
-- abandoned-lock: goroutines wait for a lock whose holder has ended.  Proven: nobody else can unlock it.
-- Probable if it ended as a reader: the runtime lets any goroutine end a read lock.  Main is no such
-- holder: with it the program ends.  Who waits at one place, was born at one place and waits for locks made
-- at one place is one finding.

DELETE FROM finding WHERE kind = 'abandoned-lock';
DELETE FROM finding_goroutine WHERE kind = 'abandoned-lock';
DELETE FROM finding_object WHERE kind = 'abandoned-lock';
DELETE FROM finding_wait WHERE kind = 'abandoned-lock';

INSERT INTO finding_goroutine(trace_id, kind, part, g)
SELECT l.trace_id, 'abandoned-lock',
       min(l.g) OVER (PARTITION BY l.trace_id, l.reason, l.site, l.born_site, l.made_site), l.g
FROM (SELECT d.trace_id, d.g, x.reason, x.site, g.born_site, o.made_site
      FROM dead d
      JOIN goroutine g ON g.trace_id = d.trace_id AND g.g = d.g
      JOIN still x ON x.trace_id = g.trace_id AND x.g = g.g
      LEFT JOIN object o ON o.trace_id = x.trace_id AND o.object = x.object
      WHERE d.kind = 'abandoned-lock') l;

-- The locks, each with its holder that has ended.
INSERT INTO finding_object(trace_id, kind, part, object, holder)
SELECT w.trace_id, w.kind, w.part, w.object, min(h.g)
FROM (SELECT DISTINCT m.trace_id, m.kind, m.part, w.object
      FROM finding_goroutine m
      JOIN wait_on w ON w.trace_id = m.trace_id AND w.g = m.g
      WHERE m.kind = 'abandoned-lock') w
JOIN hold h ON h.trace_id = w.trace_id AND h.object = w.object AND h.to_ns IS NULL
JOIN goroutine x ON x.trace_id = h.trace_id AND x.g = h.g AND x.ended_ns IS NOT NULL
GROUP BY w.trace_id, w.kind, w.part, w.object;

INSERT INTO finding_wait(trace_id, kind, part, g, object, held_by)
SELECT m.trace_id, m.kind, m.part, m.g, w.object, o.holder
FROM finding_goroutine m
JOIN wait_on w ON w.trace_id = m.trace_id AND w.g = m.g
JOIN finding_object o ON o.trace_id = m.trace_id AND o.kind = m.kind AND o.part = m.part
                     AND o.object = w.object
WHERE m.kind = 'abandoned-lock';

INSERT INTO finding(trace_id, kind, part, certainty, severity, title, why, hint, count, since_ns,
                    blocked_file, blocked_line, blocked_func, blocked_text, born_file, born_line,
                    born_func, born_text, touches_gap)
SELECT f.trace_id, 'abandoned-lock', f.part,
       CASE WHEN f.gap = 1 OR h.mode = 'rwmutex rlock' THEN 'probable' ELSE 'proven' END, 'error',
       f.n || CASE f.n WHEN 1 THEN ' goroutine waits' ELSE ' goroutines wait' END ||
         ' for good for a lock whose holder has ended' || coalesce(', "' || y.name || '"', ''),
       n.label || ' locked it' || coalesce(' at ' || s.file || ':' || s.line, '') ||
         ' and ended ' || CASE WHEN x.ended_ns < 1000000 THEN round(x.ended_ns / 1e3, 1) || ' us'
              WHEN x.ended_ns < 1000000000 THEN round(x.ended_ns / 1e6, 1) || ' ms'
              ELSE round(x.ended_ns / 1e9, 1) || ' s' END || ' into the run without unlocking it' ||
         CASE h.mode WHEN 'rwmutex rlock' THEN '' ELSE '; nobody else can' END,
       'unlock on every way out, early returns too',
       f.n, f.since_ns, b.file, b.line, b.func, b.blocked_text, b.born_file, b.born_line, b.born_func,
       'go ' || b.born_text, f.gap
FROM (SELECT m.trace_id, m.part, count(*) AS n, max(d.gap) AS gap, min(x.from_ns) AS since_ns
      FROM finding_goroutine m
      JOIN dead d ON d.trace_id = m.trace_id AND d.g = m.g
      JOIN still x ON x.trace_id = m.trace_id AND x.g = m.g
      WHERE m.kind = 'abandoned-lock'
      GROUP BY m.trace_id, m.part) f
JOIN blocked b ON b.trace_id = f.trace_id AND b.g = f.part
JOIN finding_object o ON o.trace_id = f.trace_id AND o.kind = 'abandoned-lock' AND o.part = f.part
                     AND o.object = b.object
JOIN (SELECT h.trace_id, h.object, h.g, max(h.count) AS count
      FROM hold h
      JOIN finding_object o ON o.trace_id = h.trace_id AND o.kind = 'abandoned-lock'
                           AND o.object = h.object AND o.holder = h.g
      WHERE h.to_ns IS NULL
      GROUP BY h.trace_id, h.object, h.g) l
  ON l.trace_id = o.trace_id AND l.object = o.object AND l.g = o.holder
JOIN hold h ON h.trace_id = l.trace_id AND h.object = l.object AND h.count = l.count AND h.g = l.g
JOIN goroutine x ON x.trace_id = o.trace_id AND x.g = o.holder
JOIN goroutine_name n ON n.trace_id = o.trace_id AND n.g = o.holder
LEFT JOIN site s ON s.trace_id = h.trace_id AND s.site = h.site
LEFT JOIN object_name y ON y.trace_id = o.trace_id AND y.object = o.object;
