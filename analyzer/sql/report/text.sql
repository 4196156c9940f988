-- SPDX-License-Identifier: MIT
--
-- What the text report prints.

-- @trace
SELECT t.file, coalesce(t.program, '?'), t.pid, t.start_wall_ns, t.duration_ns, t.events, t.bytes,
       t.lost_events, t.lost_batches, t.end, coalesce(t.end_code, 0), t.sidecar, t.partial, t.started,
       t.ended, t.peak, t.peak_ns, coalesce(t.maxprocs, 0),
       (SELECT count(*) FROM thread h WHERE h.trace_id = t.trace_id AND h.kind = 'worker'),
       coalesce(t.panic, ''), coalesce(t.replay, ''), coalesce(t.begin_ns, 0), coalesce(t.reason, ''),
       t.recorder_cpu_ns, coalesce(t.batches, 0), coalesce(t.stalls, 0), coalesce(t.stall_ns, 0)
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
FROM shown WHERE trace_id = 1 AND severity = 'info'
ORDER BY id;

-- @fails
-- Findings that count for the exit code.
SELECT count(*) FROM shown WHERE trace_id = 1 AND counts;
