-- SPDX-License-Identifier: MIT
--
-- misuse: the program was stopped by a panic of the runtime, for what it did to an object or for what it
-- called; or it freed an object that goroutines wait for.  A fact.  A panic of the program's own, and a
-- lack of memory, are none.
--
-- A panic does not say which object it is about.  Of those that it can be about (closed, locked by another
-- ...) it is the one that speaks most for itself: the goroutine was just woken by it, used it at this very
-- place, the call that made it has the same variable, the goroutine has used it or was given it.  If that is
-- more than one, none is named.

DELETE FROM finding WHERE kind = 'misuse';
DELETE FROM finding_goroutine WHERE kind = 'misuse';
DELETE FROM finding_object WHERE kind = 'misuse';
DELETE FROM finding_wait WHERE kind = 'misuse';

INSERT INTO finding_goroutine(trace_id, kind, part, g)
SELECT t.trace_id, 'misuse', 0, t.panic_g
FROM trace t WHERE t.panic IS NOT NULL AND t.panic_g IS NOT NULL;

-- What the panic may be about.
CREATE TEMP TABLE IF NOT EXISTS culprit(trace_id BIGINT, object BIGINT, score BIGINT);
DELETE FROM culprit;
INSERT INTO culprit(trace_id, object, score)
SELECT t.trace_id, o.object,
       CASE WHEN EXISTS (SELECT 1 FROM goroutine g
                         JOIN interval i ON i.trace_id = g.trace_id AND i.g = g.g AND i.n >= g.intervals - 2
                         WHERE g.trace_id = t.trace_id AND g.g = t.panic_g AND i.state = 3
                           AND i.wake_object = o.object AND i.site = t.panic_site) THEN 8 ELSE 0 END +
       CASE WHEN EXISTS (SELECT 1 FROM use u
                         WHERE u.trace_id = t.trace_id AND u.object = o.object AND u.g = t.panic_g
                           AND u.site = t.panic_site) THEN 4 ELSE 0 END +
       CASE WHEN ltrim(m.text, '*&') = ltrim(s.text, '*&') AND s.text <> '' THEN 2 ELSE 0 END +
       CASE WHEN EXISTS (SELECT 1 FROM use u
                         WHERE u.trace_id = t.trace_id AND u.object = o.object AND u.g = t.panic_g)
              OR EXISTS (SELECT 1 FROM give v
                         WHERE v.trace_id = t.trace_id AND v.g = t.panic_g AND v.object = o.object)
            THEN 1 ELSE 0 END
FROM trace t
CROSS JOIN object o -- in this order: most programs do not panic
LEFT JOIN site s ON s.trace_id = t.trace_id AND s.site = t.panic_site
LEFT JOIN site m ON m.trace_id = o.trace_id AND m.site = o.made_site
WHERE t.panic IS NOT NULL AND o.trace_id = t.trace_id AND o.freed_ns IS NULL AND CASE
        WHEN t.panic LIKE '% closed channel' THEN o.type = 'chan' AND o.closed_ns IS NOT NULL
        WHEN t.panic LIKE '%waiting goroutines' OR t.panic LIKE '%goroutines still wait%'
          THEN (o.trace_id, o.object) IN (SELECT w.trace_id, w.object FROM wait_on w)
        WHEN t.panic LIKE '%nlock of %held by goroutine %'
          THEN EXISTS (SELECT 1 FROM hold h
                       WHERE h.trace_id = t.trace_id AND h.object = o.object AND h.to_ns IS NULL
                         AND t.panic LIKE '%held by goroutine ' || h.g)
        WHEN t.panic LIKE '%nlock of unlocked mutex' THEN o.type = 'mutex'
        WHEN t.panic LIKE '%nlock of unlocked RWMutex' THEN o.type = 'rwmutex'
        WHEN t.panic LIKE '%negative WaitGroup%' THEN o.type = 'waitgroup'
      END;

INSERT INTO finding_object(trace_id, kind, part, object, holder)
SELECT c.trace_id, 'misuse', 0, min(c.object),
       (SELECT min(h.g) FROM hold h
        WHERE h.trace_id = c.trace_id AND h.object = min(c.object) AND h.to_ns IS NULL)
FROM culprit c
WHERE c.score = (SELECT max(b.score) FROM culprit b WHERE b.trace_id = c.trace_id)
GROUP BY c.trace_id
HAVING count(*) = 1;
DROP TABLE culprit;

-- Freed, and somebody waits for it still.
INSERT INTO finding_object(trace_id, kind, part, object)
SELECT DISTINCT w.trace_id, 'misuse', w.object, w.object
FROM wait_on w
JOIN object o ON o.trace_id = w.trace_id AND o.object = w.object
WHERE o.freed_ns >= w.from_ns
  AND o.type IN ('chan', 'context', 'mutex', 'rwmutex', 'waitgroup', 'cond', 'sem', 'once');

INSERT INTO finding_goroutine(trace_id, kind, part, g)
SELECT w.trace_id, 'misuse', o.object, w.g
FROM wait_on w
JOIN finding_object o ON o.trace_id = w.trace_id AND o.kind = 'misuse' AND o.part = w.object
WHERE o.part <> 0;

INSERT INTO finding_wait(trace_id, kind, part, g, object, held_by)
SELECT w.trace_id, 'misuse', o.part, w.g, w.object, o.holder
FROM wait_on w
JOIN finding_object o ON o.trace_id = w.trace_id AND o.kind = 'misuse' AND o.object = w.object;

INSERT INTO finding(trace_id, kind, part, certainty, severity, title, why, hint, count, since_ns,
                    blocked_file, blocked_line, blocked_func, blocked_text, born_file, born_line,
                    born_func, born_text, touches_gap)
SELECT t.trace_id, 'misuse', 0, 'fact', 'error',
       'the program was stopped: ' || t.panic || coalesce(' "' || n.name || '"', ''),
       coalesce(y.label, 'a thread outside of any goroutine') || ' did it' || coalesce(CASE
         WHEN t.panic LIKE '% closed channel'
           THEN '; ' || CASE WHEN o.closed_by = t.panic_g THEN 'it' ELSE 'goroutine ' || o.closed_by END ||
                ' had closed it' || coalesce(' at ' || z.file || ':' || z.line, '') || ', ' ||
                CASE WHEN o.closed_ns < 1000000 THEN round(o.closed_ns / 1e3, 1) || ' us'
                     WHEN o.closed_ns < 1000000000 THEN round(o.closed_ns / 1e6, 1) || ' ms'
                     ELSE round(o.closed_ns / 1e9, 1) || ' s' END || ' into the run'
         WHEN t.panic LIKE '%nlock of unlocked %' THEN coalesce('; ' ||
           (SELECT CASE WHEN h.g = t.panic_g THEN 'it' ELSE 'goroutine ' || h.g END || ' had it last, from ' ||
                   coalesce(a.file || ':' || a.line, '?') || ' to ' || coalesce(b.file || ':' || b.line, '?')
            FROM hold h
            LEFT JOIN site a ON a.trace_id = h.trace_id AND a.site = h.site
            LEFT JOIN site b ON b.trace_id = h.trace_id AND b.site = h.to_site
            WHERE h.trace_id = o.trace_id AND h.object = o.object AND h.to_ns IS NOT NULL
            ORDER BY h.count DESC LIMIT 1),
           CASE WHEN t.begin_ns IS NULL THEN '; nobody had ever locked it' END)
         WHEN t.panic LIKE '%held by goroutine %' THEN '; ' ||
           (SELECT 'goroutine ' || h.g || ' has it' || coalesce(' since ' || a.file || ':' || a.line, '')
            FROM hold h
            LEFT JOIN site a ON a.trace_id = h.trace_id AND a.site = h.site
            WHERE h.trace_id = o.trace_id AND h.object = o.object AND h.to_ns IS NULL
            ORDER BY h.count LIMIT 1)
         WHEN t.panic LIKE '%negative WaitGroup%' THEN coalesce('; ' ||
           (SELECT 'goroutine ' || u.g || ' had called done last' || coalesce(' at ' || a.file || ':' || a.line, '')
            FROM use u
            LEFT JOIN site a ON a.trace_id = u.trace_id AND a.site = u.site
            WHERE u.trace_id = o.trace_id AND u.object = o.object AND u.op = 'waitgroup done'
            ORDER BY u.last_ns DESC LIMIT 1), '')
         WHEN o.object IS NOT NULL THEN '; ' ||
           (SELECT CASE count(*) WHEN 1 THEN 'goroutine ' || min(w.g) || ' waits'
                     ELSE count(*) || ' goroutines wait' END || ' for it'
            FROM wait_on w WHERE w.trace_id = o.trace_id AND w.object = o.object)
       END, ''),
       CASE
         WHEN t.panic LIKE 'close of closed%' THEN 'let one goroutine close a channel, once: the last sender'
         WHEN t.panic LIKE 'close of nil%' THEN 'make the channel before it is used'
         WHEN t.panic LIKE 'send on closed%' THEN 'let the senders close the channel, when all of them are done'
         WHEN t.panic LIKE '%nlock of unlocked%' THEN 'unlock once for each lock, on every way out'
         WHEN t.panic LIKE '%held by goroutine%' THEN 'unlock where it was locked: a lock belongs to its goroutine'
         WHEN t.panic LIKE '%negative WaitGroup%'
           THEN 'call gor_wg_add before the goroutine is born, and gor_wg_done once in it'
         WHEN t.panic LIKE '%wait%' THEN 'wait for the goroutines that use it before it is freed'
         WHEN t.panic LIKE 'stack overflow%' THEN 'look for a recursion that does not end'
       END,
       (SELECT count(*) FROM finding_goroutine m
        WHERE m.trace_id = t.trace_id AND m.kind = 'misuse' AND m.part = 0),
       t.panic_ns, s.file, s.line, s.func,
       coalesce(s.op || coalesce(' "' || nullif(ltrim(s.text, '*&'), '') || '"', ''), 'panic'),
       b.file, b.line, b.func, 'go ' || b.text, 0
FROM trace t
LEFT JOIN site s ON s.trace_id = t.trace_id AND s.site = t.panic_site
LEFT JOIN goroutine g ON g.trace_id = t.trace_id AND g.g = t.panic_g
LEFT JOIN goroutine_name y ON y.trace_id = t.trace_id AND y.g = t.panic_g
LEFT JOIN site b ON b.trace_id = g.trace_id AND b.site = g.born_site AND b.file <> ''
LEFT JOIN finding_object f ON f.trace_id = t.trace_id AND f.kind = 'misuse' AND f.part = 0
LEFT JOIN object o ON o.trace_id = f.trace_id AND o.object = f.object
LEFT JOIN object_name n ON n.trace_id = f.trace_id AND n.object = f.object
LEFT JOIN site z ON z.trace_id = o.trace_id AND z.site = o.close_site
WHERE t.panic IS NOT NULL AND coalesce(s.op, '') <> 'panic'
  AND t.panic NOT LIKE 'gor: out of memory%' AND t.panic NOT LIKE 'gor: no memory%';

-- A panic that is none of these has left no finding, and needs no goroutine.
DELETE FROM finding_goroutine
WHERE kind = 'misuse' AND part = 0
  AND trace_id NOT IN (SELECT f.trace_id FROM finding f WHERE f.kind = 'misuse' AND f.part = 0);

INSERT INTO finding(trace_id, kind, part, certainty, severity, title, why, hint, count, since_ns,
                    blocked_file, blocked_line, blocked_func, blocked_text, born_file, born_line,
                    born_func, born_text, touches_gap)
SELECT f.trace_id, 'misuse', f.part, 'fact', 'error',
       o.type || ' "' || n.name || '" was freed while ' ||
         CASE f.n WHEN 1 THEN '1 goroutine waits' ELSE f.n || ' goroutines wait' END || ' for it',
       'freed ' || CASE WHEN o.freed_ns < 1000000 THEN round(o.freed_ns / 1e3, 1) || ' us'
              WHEN o.freed_ns < 1000000000 THEN round(o.freed_ns / 1e6, 1) || ' ms'
              ELSE round(o.freed_ns / 1e9, 1) || ' s' END ||
         ' into the run; nothing can wake who waits for it',
       'wait for the goroutines that use it before it is freed',
       f.n, b.since_ns, b.file, b.line, b.func, b.blocked_text, b.born_file, b.born_line, b.born_func,
       'go ' || b.born_text, 0
FROM (SELECT m.trace_id, m.part, min(m.g) AS first, count(*) AS n
      FROM finding_goroutine m WHERE m.kind = 'misuse' AND m.part <> 0
      GROUP BY m.trace_id, m.part) f
JOIN object o ON o.trace_id = f.trace_id AND o.object = f.part
JOIN object_name n ON n.trace_id = f.trace_id AND n.object = f.part
JOIN blocked b ON b.trace_id = f.trace_id AND b.g = f.first;
