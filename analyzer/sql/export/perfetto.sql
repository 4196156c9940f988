-- SPDX-License-Identifier: MIT
--
-- What is exported to Perfetto, in the order in which it is written.

-- @process
SELECT coalesce(pid, 1), coalesce(program, file) FROM trace WHERE trace_id = 1;

-- @threads
SELECT thread, coalesce(tid, 0), kind FROM thread WHERE trace_id = 1 ORDER BY thread;

-- @goroutines
SELECT g.g, n.label
FROM goroutine g
JOIN goroutine_name n ON n.trace_id = g.trace_id AND n.g = g.g
WHERE g.trace_id = 1
ORDER BY g.g;

-- @running
-- What a thread runs; of two at a time, which damage makes, the earlier goes first.
SELECT i.thread, i.from_ns, coalesce(i.to_ns, -1), i.g, n.label, i.state
FROM interval i
JOIN goroutine_name n ON n.trace_id = i.trace_id AND n.g = i.g
WHERE i.trace_id = 1 AND i.state IN (2, 5) AND i.thread IS NOT NULL
ORDER BY i.thread, i.from_ns, i.g;

-- @intervals
SELECT i.g, i.n, i.from_ns, coalesce(i.to_ns, -1), i.state,
       CASE WHEN i.state = 3 THEN coalesce(r.text, 'waiting') ||
              coalesce(' "' || coalesce(o.name, nullif(ltrim(s.text, '*&'), '')) || '"', '')
            ELSE w.text END,
       coalesce(s.func || '() ' || s.file || ':' || s.line, ''),
       coalesce(i.object, 0), coalesce(i.woken_by, 0), coalesce(k.text, ''),
       CASE WHEN i.n = 0 AND g.older = 0 THEN coalesce(g.parent, 0) ELSE 0 END, g.born_ns
FROM interval i
JOIN goroutine g ON g.trace_id = i.trace_id AND g.g = i.g
LEFT JOIN site s ON s.trace_id = i.trace_id AND s.site = i.site
LEFT JOIN object_name o ON o.trace_id = i.trace_id AND o.object = i.object
LEFT JOIN word w ON w.list = 'state' AND w.number = i.state
LEFT JOIN word r ON r.list = 'reason' AND r.number = i.reason
LEFT JOIN word k ON k.list = 'waker' AND k.number = i.waker
WHERE i.trace_id = 1
ORDER BY i.g, i.n;

-- @counters
-- How many goroutines are in which state, whenever that changes.
SELECT ts_ns, state, sum(step) OVER (PARTITION BY state ORDER BY ts_ns)
FROM (SELECT ts_ns, state, sum(step) AS step
      FROM (SELECT from_ns AS ts_ns, state, 1 AS step FROM interval WHERE trace_id = 1
            UNION ALL
            SELECT to_ns, state, -1 FROM interval WHERE trace_id = 1 AND to_ns IS NOT NULL
            UNION ALL
            SELECT born_ns, 0, 1 FROM goroutine WHERE trace_id = 1
            UNION ALL
            SELECT ended_ns, 0, -1 FROM goroutine WHERE trace_id = 1 AND ended_ns IS NOT NULL)
      GROUP BY ts_ns, state
      HAVING sum(step) <> 0)
ORDER BY state, ts_ns;

-- @marks
SELECT coalesce(g, 0), ts_ns, category, text FROM mark WHERE trace_id = 1 ORDER BY n;
