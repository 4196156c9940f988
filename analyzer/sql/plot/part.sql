-- SPDX-License-Identifier: MIT
--
-- A part of a run as if it were the whole: temporary views that hide the tables the plots read.  Times are
-- since the part's beginning, less than 0 for what began before; what goes on behind its end has none.

-- @end
SELECT duration_ns FROM main.trace ORDER BY trace_id LIMIT 1;

-- @table
CREATE TEMP TABLE part(from_ns INTEGER NOT NULL, to_ns INTEGER NOT NULL);

-- @from
INSERT INTO temp.part(from_ns, to_ns) VALUES (?1, ?2);

-- @trace
CREATE TEMP VIEW trace AS
SELECT trace_id, program, file, (SELECT to_ns - from_ns FROM temp.part) AS duration_ns
FROM main.trace;

-- @goroutine
CREATE TEMP VIEW goroutine AS
SELECT trace_id, g, born_site, born_ns - (SELECT from_ns FROM temp.part) AS born_ns,
       CASE WHEN ended_ns <= (SELECT to_ns FROM temp.part) THEN ended_ns - (SELECT from_ns FROM temp.part) END AS ended_ns,
       older
FROM main.goroutine
WHERE born_ns <= (SELECT to_ns FROM temp.part)
  AND (ended_ns IS NULL OR ended_ns >= (SELECT from_ns FROM temp.part));

-- @gap
CREATE TEMP VIEW gap AS
SELECT trace_id, from_ns - (SELECT from_ns FROM temp.part) AS from_ns,
       to_ns - (SELECT from_ns FROM temp.part) AS to_ns
FROM main.gap
WHERE from_ns <= (SELECT to_ns FROM temp.part) AND to_ns >= (SELECT from_ns FROM temp.part);

-- @handoff
CREATE TEMP VIEW handoff AS
SELECT trace_id, n, ts_ns - (SELECT from_ns FROM temp.part) AS ts_ns, from_thread, to_thread, why
FROM main.handoff
WHERE ts_ns BETWEEN (SELECT from_ns FROM temp.part) AND (SELECT to_ns FROM temp.part);

-- @shown
-- Findings that begin in it.
CREATE TEMP VIEW shown AS
SELECT trace_id, since_ns - (SELECT from_ns FROM temp.part) AS since_ns, id, kind, severity
FROM main.shown
WHERE since_ns BETWEEN (SELECT from_ns FROM temp.part) AND (SELECT to_ns FROM temp.part);

-- @finding_goroutine
-- Goroutines of findings, of those that wait for good those that did so by then.
CREATE TEMP VIEW finding_goroutine AS
SELECT f.trace_id, f.kind, f.part, f.g
FROM main.finding_goroutine f
JOIN main.goroutine g ON g.trace_id = f.trace_id AND g.g = f.g
JOIN main.interval i ON i.trace_id = g.trace_id AND i.g = g.g AND i.n = g.intervals - 1
WHERE i.from_ns <= (SELECT to_ns FROM temp.part);

-- @site_wait
-- Of each wait what lies in the part: part.c adds it up.
CREATE TEMP TABLE site_wait(
  trace_id INTEGER NOT NULL, site INTEGER NOT NULL, reason INTEGER NOT NULL, waits INTEGER NOT NULL,
  ns INTEGER NOT NULL, longest_ns INTEGER NOT NULL, still INTEGER NOT NULL
);

-- @part_object
-- Likewise; an object may have more than one row.
CREATE TEMP TABLE part_object(object INTEGER NOT NULL, ns INTEGER NOT NULL);

-- @object_wait
CREATE TEMP VIEW object_wait AS
SELECT m.trace_id, m.object, p.ns, m.reason, m.site
FROM (SELECT object, sum(ns) AS ns FROM temp.part_object GROUP BY object) p
JOIN main.object_wait m ON m.trace_id = (SELECT min(trace_id) FROM main.trace) AND m.object = p.object;

-- @begin
BEGIN;

-- @put_site
INSERT INTO temp.site_wait(trace_id, site, reason, waits, ns, longest_ns, still)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7);

-- @put_object
INSERT INTO temp.part_object(object, ns) VALUES (?1, ?2);

-- @commit
COMMIT;
