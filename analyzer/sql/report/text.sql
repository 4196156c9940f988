-- SPDX-License-Identifier: MIT
--
-- What the text report prints.

-- @trace
SELECT t.file, coalesce(t.program, '?'), t.pid, t.start_wall_ns, t.duration_ns, t.events, t.bytes,
       t.lost_events, t.lost_batches, t.end, coalesce(t.end_code, 0), t.sidecar, t.partial, t.started,
       t.ended, t.peak, t.peak_ns, coalesce(t.maxprocs, 0),
       (SELECT count(*) FROM thread h WHERE h.trace_id = t.trace_id AND h.kind = 'worker'),
       coalesce(t.panic, ''), coalesce(t.replay, ''), coalesce(t.begin_ns, 0), coalesce(t.reason, ''),
       t.recorder_cpu_ns, coalesce(t.batches, 0), coalesce(t.stalls, 0), coalesce(t.stall_ns, 0),
       t.older
FROM trace t WHERE t.trace_id = 1;

-- @problems
SELECT (SELECT count(*) FROM shown WHERE trace_id = 1 AND severity <> 'info' AND NOT known),
       (SELECT count(*) FROM shown WHERE trace_id = 1 AND severity <> 'info' AND known),
       (SELECT count(*) FROM finding_status WHERE trace_id = 1 AND suppressed),
       (SELECT count(*) FROM finding_status WHERE trace_id = 1 AND left_out AND NOT suppressed);

-- @findings
SELECT f.id, f.kind, f.certainty, f.title, f.why, coalesce(f.hint, ''), f.count,
       coalesce(f.since_ns, -1), coalesce(f.blocked_file, ''), coalesce(f.blocked_line, 0),
       coalesce(f.blocked_func, ''), coalesce(f.blocked_text, ''), coalesce(f.born_file, ''),
       coalesce(f.born_line, 0), coalesce(f.born_func, ''), coalesce(f.born_text, ''), f.touches_gap,
       coalesce((SELECT CASE count(*) WHEN 1 THEN max(n.type || ' "' || n.name || '" made at ' ||
                        n.made_file || ':' || n.made_line || CASE WHEN n.type = 'chan'
                          THEN ', capacity ' || coalesce(n.cap, 0) ELSE '' END) END
                 FROM finding_object o
                 JOIN object_name n ON n.trace_id = o.trace_id AND n.object = o.object
                 WHERE o.trace_id = f.trace_id AND o.kind = f.kind AND o.part = f.part), ''),
       (SELECT group_concat(m.g, ' ') FROM (
          SELECT g FROM finding_goroutine
          WHERE trace_id = f.trace_id AND kind = f.kind AND part = f.part ORDER BY g LIMIT 8) m),
       f.known
FROM shown f
WHERE f.trace_id = 1 AND f.severity <> 'info'
ORDER BY f.id;

-- @notes
SELECT title || CASE WHEN blocked_file IS NOT NULL AND blocked_text <> ''
                     THEN ' (' || blocked_file || ':' || blocked_line || ')'
                     WHEN born_file IS NOT NULL THEN ' (born at ' || born_file || ':' || born_line || ')'
                     ELSE '' END || CASE WHEN why LIKE 'idle%' THEN ': idle, normal' ELSE '' END
         || CASE instr(why, '; kept alive by ') WHEN 0 THEN '' ELSE substr(why, instr(why, '; kept alive by ')) END
FROM shown WHERE trace_id = 1 AND severity = 'info'
ORDER BY id;

-- @counts
-- How many goroutines were alive, in each of ?1 parts of the run: what changed, without order.
SELECT born_ns, coalesce(ended_ns, -1) FROM goroutine WHERE trace_id = 1;

-- @waits
-- The longest waits, three places of them, that are in no problem and took 1 ms or more.  Not all are
-- kept: if each is another goroutine's, there may be more.
WITH slow AS (
  SELECT i.g, i.reason, i.object, i.site, coalesce(i.to_ns, t.duration_ns) - i.from_ns AS ns, i.to_ns
  FROM long_wait i
  JOIN trace t ON t.trace_id = i.trace_id
  WHERE i.trace_id = 1
  ORDER BY 5 DESC
  LIMIT 1000
)
SELECT max(s.ns), coalesce(r.text, 'wait') || coalesce(' ' || p.file || ':' || p.line, '') ||
       CASE WHEN s.reason = 12 THEN ' (as asked: normal)'
            WHEN s.reason = 13 THEN ' (for the world outside: normal)'
            ELSE ' (' || CASE max(i.g IS NOT NULL) WHEN 1 THEN 'idle, ' ELSE '' END ||
                 count(DISTINCT s.g) ||
                 CASE WHEN count(DISTINCT s.g) = count(*) AND count(*) > 1 AND (SELECT count(*) FROM slow) = 1000
                      THEN ' or more' ELSE '' END ||
                 CASE count(DISTINCT s.g) WHEN 1 THEN ' goroutine' ELSE ' goroutines' END ||
                 CASE WHEN max(i.g IS NOT NULL) = 1 THEN ': normal'
                      WHEN min(s.to_ns IS NULL) = 1 THEN ', until the end' ELSE '' END || ')' END
FROM slow s
LEFT JOIN word r ON r.list = 'reason' AND r.number = s.reason
LEFT JOIN site p ON p.trace_id = 1 AND p.site = s.site
LEFT JOIN idle i ON i.trace_id = 1 AND i.g = s.g
WHERE s.ns >= 1000000
  AND NOT (s.to_ns IS NULL AND EXISTS (
        SELECT 1 FROM finding_goroutine m
        JOIN shown f ON f.trace_id = m.trace_id AND f.kind = m.kind AND f.part = m.part
        WHERE m.trace_id = 1 AND m.g = s.g AND f.severity <> 'info'))
GROUP BY s.reason, s.site
ORDER BY 1 DESC, 2
LIMIT 3;

-- @fails
-- Findings that count for the exit code.
SELECT count(*) FROM shown WHERE trace_id = 1 AND counts;
