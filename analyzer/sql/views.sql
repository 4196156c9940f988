-- SPDX-License-Identifier: MIT
--
-- The tables with words and places in place of numbers: for people, and for the detectors.

-- Intervals; what reads millions of rows is faster on the table interval.
CREATE VIEW span AS
SELECT i.trace_id, i.g, i.n, i.from_ns, i.to_ns,
       CASE i.state WHEN 1 THEN 'runnable' WHEN 2 THEN 'running' WHEN 3 THEN 'waiting'
                    WHEN 5 THEN 'syscall' END AS state,
       (SELECT w.text FROM word w WHERE w.list = 'reason' AND w.number = i.reason) AS reason,
       i.object, i.site, i.flags, i.thread, i.woken_by,
       (SELECT w.text FROM word w WHERE w.list = 'waker' AND w.number = i.waker) AS waker,
       i.wake_object
FROM interval i;

-- Wakes: who made which goroutine runnable, when and through what.
CREATE VIEW wake AS
SELECT i.trace_id, i.to_ns AS ts_ns, i.g, i.woken_by,
       (SELECT w.text FROM word w WHERE w.list = 'waker' AND w.number = i.waker) AS waker,
       i.wake_object AS object, i.to_ns - i.from_ns AS waited_ns
FROM interval i
WHERE i.state = 3 AND i.to_ns IS NOT NULL;

-- Objects that somebody waits for at the end, or uses round and round.
CREATE VIEW wanted AS
SELECT trace_id, object FROM wait_on
UNION ALL
SELECT trace_id, object FROM repeat_on WHERE now = 1;

-- Objects by name: the text of the call that made it says how the program calls it.  A query for each
-- column and not a join, so that SQLite looks at the objects asked for instead of making a list of all.
CREATE VIEW object_name AS
SELECT o.trace_id, o.object, o.type,
       coalesce(nullif(ltrim((SELECT s.text FROM site s
                              WHERE s.trace_id = o.trace_id AND s.site = o.made_site), '*&'), ''),
                '#' || o.object) AS name,
       o.made_by, o.made_site,
       (SELECT s.file FROM site s WHERE s.trace_id = o.trace_id AND s.site = o.made_site) AS made_file,
       (SELECT s.line FROM site s WHERE s.trace_id = o.trace_id AND s.site = o.made_site) AS made_line,
       (SELECT s.func FROM site s WHERE s.trace_id = o.trace_id AND s.site = o.made_site) AS made_func,
       o.cap, o.closed_ns, o.freed_ns
FROM object o;

-- Goroutines alive at the end: state, place, birth.
CREATE VIEW goroutine_at_end AS
SELECT i.trace_id, i.g, g.name, g.parent, g.born_ns, g.born_site, g.entry, g.foreign_thread,
       b.file AS born_file, b.line AS born_line, b.func AS born_func, b.text AS born_text,
       i.state, i.reason,
       (SELECT w.text FROM word w WHERE w.list = 'reason' AND w.number = i.reason) AS reason_text,
       i.from_ns AS since_ns, i.object, i.site, i.flags, i.thread,
       s.file AS file, s.line AS line, s.func AS func, s.op AS op, s.text AS text
FROM still i
CROSS JOIN goroutine g -- in this order: few of all are alive
LEFT JOIN site s ON s.trace_id = i.trace_id AND s.site = i.site
LEFT JOIN site b ON b.trace_id = g.trace_id AND b.site = g.born_site AND b.file <> ''
WHERE g.trace_id = i.trace_id AND g.g = i.g AND g.ended_ns IS NULL;

-- A goroutine in words: 'goroutine 7 worker()', or the name the program gave it.
CREATE VIEW goroutine_name AS
SELECT g.trace_id, g.g,
       'goroutine ' || g.g || CASE
         WHEN g.name IS NOT NULL THEN ' "' || g.name || '"'
         WHEN g.g = 1 AND g.parent IS NULL THEN ' (main)'
         WHEN s.text <> '' THEN ' ' || s.text || '()'
         ELSE '' END AS label
FROM goroutine g
LEFT JOIN site s ON s.trace_id = g.trace_id AND s.site = g.born_site;

-- What a waiting goroutine does, in words: 'chan send "done"'.
CREATE VIEW blocked AS
SELECT e.*,
       coalesce(e.reason_text, '') || coalesce(
         ' "' || coalesce(nullif(ltrim(m.text, '*&'), ''), nullif(ltrim(e.text, '*&'), '')) || '"', '') AS blocked_text,
       o.made_site
FROM goroutine_at_end e
LEFT JOIN object o ON o.trace_id = e.trace_id AND o.object = e.object
LEFT JOIN site m ON m.trace_id = o.trace_id AND m.site = o.made_site
WHERE e.state = 3;

-- Goroutines that have used a processor for trace.spin_ns or longer when the trace ends, without a
-- scheduling event: the last sample, and the place most samples lie in.
CREATE VIEW spinner AS
SELECT b.trace_id, b.g, b.ts_ns - b.run_ns AS since_ns, b.run_ns, b.cpu_ns, b.ts_ns, b.thread,
       (SELECT p.file || ':' || p.line FROM busy p
        WHERE p.trace_id = b.trace_id AND p.g = b.g AND p.ts_ns >= b.ts_ns - b.run_ns
          AND p.file IS NOT NULL
        GROUP BY p.file, p.line ORDER BY count(*) DESC, p.file, p.line LIMIT 1) AS place
FROM busy b
JOIN trace t ON t.trace_id = b.trace_id
JOIN goroutine g ON g.trace_id = b.trace_id AND g.g = b.g AND g.ended_ns IS NULL
JOIN still i ON i.trace_id = g.trace_id AND i.g = g.g
WHERE i.state IN (2, 5) AND b.ts_ns >= i.from_ns AND b.cpu_ns >= t.spin_ns
  AND b.ts_ns = (SELECT max(l.ts_ns) FROM busy l WHERE l.trace_id = b.trace_id AND l.g = b.g);

-- Goroutines that ask again and again when the trace ends: for trace.poll_ns and more, trace.poll_tries times
-- and more, and until now.  Of several places of one, that with the most tries.
CREATE VIEW asker AS
SELECT p.trace_id, p.g, p.site, p.yields, p.count, p.from_ns, s.file, s.line, s.func, s.op, s.text,
       (SELECT sum(CASE WHEN i.to_ns < t.duration_ns THEN i.to_ns ELSE t.duration_ns END -
                   CASE WHEN i.from_ns > p.from_ns THEN i.from_ns ELSE p.from_ns END)
        FROM interval i
        WHERE i.trace_id = p.trace_id AND i.g = p.g AND i.state = 2
          AND coalesce(i.to_ns, t.duration_ns) > p.from_ns) AS ran_ns
FROM (SELECT x.*, row_number() OVER (PARTITION BY x.trace_id, x.g
                                     ORDER BY x.yields, x.count DESC, x.site) AS place
      FROM poll x
      JOIN trace t ON t.trace_id = x.trace_id
      WHERE x.count >= t.poll_tries AND t.duration_ns - x.from_ns >= t.poll_ns
        AND t.duration_ns - x.last_ns <= (t.duration_ns - x.from_ns) / 4) p
JOIN trace t ON t.trace_id = p.trace_id
LEFT JOIN site s ON s.trace_id = p.trace_id AND s.site = p.site
WHERE p.place = 1;

-- Those of them that do nothing else: they run for trace.poll_percent of that time and more.  A loop that yields
-- but takes 20 us or more from one yield to the next computes.
CREATE VIEW poller AS
SELECT a.*
FROM asker a
JOIN trace t ON t.trace_id = a.trace_id
WHERE a.ran_ns BETWEEN (t.duration_ns - a.from_ns) / 100 * t.poll_percent
                   AND CASE a.yields WHEN 1 THEN a.count * 20000 ELSE 9223372036854775807 END;

-- Goroutines at the end that go on by themselves, in words.
CREATE VIEW source AS
SELECT e.trace_id, e.g, n.label || CASE
         WHEN p.g IS NOT NULL THEN ' polls' || coalesce(' at ' || p.file || ':' || p.line, '')
         WHEN b.g IS NOT NULL THEN ' spins' || coalesce(' at ' || b.place, '') ||
              ' since ' || CASE WHEN b.since_ns < 1000000 THEN round(b.since_ns / 1e3, 1) || ' us'
              WHEN b.since_ns < 1000000000 THEN round(b.since_ns / 1e6, 1) || ' ms'
              ELSE round(b.since_ns / 1e9, 1) || ' s' END
         WHEN e.state = 5 AND e.foreign_thread IS NOT NULL THEN ' may call in at any time'
         WHEN e.state = 5 THEN ' is in a call outside since ' || CASE WHEN e.since_ns < 1000000 THEN round(e.since_ns / 1e3, 1) || ' us'
              WHEN e.since_ns < 1000000000 THEN round(e.since_ns / 1e6, 1) || ' ms'
              ELSE round(e.since_ns / 1e9, 1) || ' s' END
         WHEN e.state = 2 THEN ' runs'
         WHEN e.state = 1 THEN ' is ready to run'
         WHEN e.reason = 12 THEN ' sleeps' || coalesce(' at ' || e.file || ':' || e.line, '')
         WHEN e.reason = 13 THEN CASE e.op WHEN 'io accept' THEN ' waits for a connection'
                WHEN 'io read' THEN ' waits for input'
                WHEN 'io write' THEN ' waits until more can be written'
                WHEN 'io dial' THEN ' waits for the other side of a connection'
                ELSE ' waits for input or output' END ||
              coalesce(' at ' || e.file || ':' || e.line, '')
         ELSE ' waits until a deadline' || coalesce(' at ' || e.file || ':' || e.line, '') END ||
       coalesce(' (born at ' || e.born_file || ':' || e.born_line || ')', '') AS text
FROM goroutine_at_end e
JOIN goroutine_name n ON n.trace_id = e.trace_id AND n.g = e.g
JOIN trace t ON t.trace_id = e.trace_id
LEFT JOIN spinner b ON b.trace_id = e.trace_id AND b.g = e.g
LEFT JOIN poller p ON p.trace_id = e.trace_id AND p.g = e.g
WHERE (e.state <> 3 OR e.flags IS NOT NULL OR e.reason IN (12, 13, 16)
       OR EXISTS (SELECT 1 FROM wait_on w
                  WHERE w.trace_id = e.trace_id AND w.g = e.g AND w.until_ns IS NOT NULL))
  AND NOT (e.g = 1 AND t.main_ended_ns IS NOT NULL)
UNION ALL
SELECT m.trace_id, NULL,
       'a timer' || coalesce(' armed at ' || s.file || ':' || s.line, '') ||
       ' is due at ' || CASE WHEN m.due_ns < 1000000 THEN round(m.due_ns / 1e3, 1) || ' us'
              WHEN m.due_ns < 1000000000 THEN round(m.due_ns / 1e6, 1) || ' ms'
              ELSE round(m.due_ns / 1e9, 1) || ' s' END
FROM timer m
LEFT JOIN site s ON s.trace_id = m.trace_id AND s.site = m.site
WHERE m.stopped_ns IS NULL;

-- Goroutines in a call outside when the trace ends, and since when: those whose place was given away; and those whose
-- thread stood still, before that or as long as nobody wanted the place: three samples or more, each with a
-- twentieth of its time on a processor at most.  (A program that was stopped as a whole has no samples of that.)
CREATE VIEW caller AS
SELECT e.trace_id, e.g, e.born_site, coalesce(i.from_ns, e.since_ns) AS since_ns
FROM goroutine_at_end e
JOIN goroutine g ON g.trace_id = e.trace_id AND g.g = e.g
LEFT JOIN interval i ON i.trace_id = g.trace_id AND i.g = g.g AND i.state = 2
  AND i.n = g.intervals - CASE e.state WHEN 5 THEN 2 ELSE 1 END
  AND EXISTS (SELECT 1 FROM busy b
              WHERE b.trace_id = i.trace_id AND b.g = i.g AND b.ts_ns >= i.from_ns
              GROUP BY b.g
              HAVING count(*) >= 3 AND max(CASE WHEN b.cpu_ns * 20 > b.run_ns THEN 1 ELSE 0 END) = 0)
WHERE e.foreign_thread IS NULL AND (e.state = 5 OR (e.state = 2 AND i.g IS NOT NULL));

-- Who did one kind of thing to an object, in words: what became of the only one, or of all.
CREATE VIEW side AS
SELECT u.trace_id, u.object, u.op, u.n,
       CASE WHEN u.n > 1 THEN 'all its ' || u.n || ' ' || w.noun || 's have ended, left it or wait themselves'
         ELSE 'its only ' || w.noun || ', goroutine ' || u.one || ', ' || w.verb || ' last' ||
              coalesce(' at ' || s.file || ':' || s.line, '') || CASE
                WHEN g.ended_ns IS NOT NULL OR (u.one = 1 AND t.main_ended_ns IS NOT NULL)
                  THEN ' and ended'
                WHEN d.g IS NOT NULL THEN ' and now waits itself, for good'
                ELSE ' and has not come back to it' END
         END AS text
FROM (SELECT trace_id, object, op, count(*) AS n, max(g) AS one
      FROM use GROUP BY trace_id, object, op) u
JOIN (SELECT 'chan receive' AS op, 'receiver' AS noun, 'received' AS verb
      UNION ALL SELECT 'chan send', 'sender', 'sent'
      UNION ALL SELECT 'waitgroup done', 'worker', 'called done'
      UNION ALL SELECT 'cond signal', 'signaller', 'signalled'
      UNION ALL SELECT 'sem release', 'releaser', 'released') w ON w.op = u.op
JOIN trace t ON t.trace_id = u.trace_id
LEFT JOIN use o ON o.trace_id = u.trace_id AND o.object = u.object AND o.g = u.one AND o.op = u.op
LEFT JOIN site s ON s.trace_id = o.trace_id AND s.site = o.site
LEFT JOIN goroutine g ON g.trace_id = u.trace_id AND g.g = u.one
LEFT JOIN dead d ON d.trace_id = u.trace_id AND d.g = u.one;

-- Is the program as a whole deadlocked: it said so, or nothing goes on by itself and main has not ended.
CREATE VIEW all_dead AS
SELECT t.trace_id
FROM trace t
WHERE EXISTS (SELECT 1 FROM dead d WHERE d.trace_id = t.trace_id)
  AND (t.end = 'deadlock'
       OR (t.partial = 0
           AND EXISTS (SELECT 1 FROM dead d WHERE d.trace_id = t.trace_id AND d.g = 1)
           AND NOT EXISTS (SELECT 1 FROM source s WHERE s.trace_id = t.trace_id)));
