-- SPDX-License-Identifier: MIT
--
-- dead.kind: of the kinds of findings that a dead goroutine may belong to, the one that says most.

-- Conditions whose last signal woke nobody.  A wake of a condition's waiter is a use of it by the waker, at
-- the same time; so a signal that woke somebody is never later than the last wake.
CREATE TEMP TABLE IF NOT EXISTS unheard(trace_id INTEGER, object INTEGER, last_ns INTEGER,
                                        PRIMARY KEY (trace_id, object));
DELETE FROM unheard;
INSERT INTO unheard(trace_id, object, last_ns)
SELECT u.trace_id, u.object, max(u.last_ns)
FROM use u
WHERE u.op IN ('cond signal', 'cond broadcast')
  AND (u.trace_id, u.object) IN (SELECT w.trace_id, w.object FROM wait_on w
                                 JOIN dead d ON d.trace_id = w.trace_id AND d.g = w.g
                                 WHERE w.op = 'cond wait')
GROUP BY u.trace_id, u.object;
CREATE TEMP TABLE IF NOT EXISTS heard(trace_id INTEGER, object INTEGER, last_ns INTEGER,
                                      PRIMARY KEY (trace_id, object));
DELETE FROM heard;
INSERT INTO heard(trace_id, object, last_ns)
SELECT i.trace_id, i.wake_object, max(i.to_ns)
FROM (SELECT DISTINCT u.trace_id, u.g FROM unheard h
      CROSS JOIN use u ON u.trace_id = h.trace_id AND u.object = h.object AND u.op = 'cond wait') u
CROSS JOIN interval i ON i.trace_id = u.trace_id AND i.g = u.g
WHERE i.state = 3 AND i.reason = 11 AND i.wake_object IS NOT NULL
GROUP BY i.trace_id, i.wake_object;
DELETE FROM unheard
WHERE last_ns <= (SELECT h.last_ns FROM heard h
                  WHERE h.trace_id = unheard.trace_id AND h.object = unheard.object);
DROP TABLE heard;

-- Locks whose holder has ended; main's end is the program's.
CREATE TEMP TABLE IF NOT EXISTS orphan(trace_id INTEGER, object INTEGER,
                                       PRIMARY KEY (trace_id, object));
DELETE FROM orphan;
INSERT INTO orphan(trace_id, object)
SELECT DISTINCT h.trace_id, h.object
FROM hold h
JOIN goroutine x ON x.trace_id = h.trace_id AND x.g = h.g AND x.ended_ns IS NOT NULL
WHERE h.to_ns IS NULL AND h.g <> 1
  AND (h.trace_id, h.object) IN (SELECT w.trace_id, w.object FROM wait_on w);

UPDATE dead SET kind = CASE
  WHEN ring IS NOT NULL THEN 'lock-deadlock'
  WHEN EXISTS (SELECT 1 FROM wait_on w
               JOIN object o ON o.trace_id = w.trace_id AND o.object = w.object
               WHERE w.trace_id = dead.trace_id AND w.g = dead.g AND o.freed_ns >= w.from_ns
                 AND o.type NOT IN ('timer', 'fd')) THEN 'misuse'
  WHEN EXISTS (SELECT 1 FROM wait_on w
               JOIN orphan o ON o.trace_id = w.trace_id AND o.object = w.object
               WHERE w.trace_id = dead.trace_id AND w.g = dead.g) THEN 'abandoned-lock'
  WHEN loop IS NOT NULL THEN 'partial-deadlock'
  WHEN EXISTS (SELECT 1 FROM wait_on w
               JOIN unheard h ON h.trace_id = w.trace_id AND h.object = w.object
               WHERE w.trace_id = dead.trace_id AND w.g = dead.g AND w.op = 'cond wait'
                 AND h.last_ns <= w.from_ns) THEN 'lost-wakeup'
  END;

DROP TABLE unheard;
DROP TABLE orphan;
