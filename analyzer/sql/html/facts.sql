-- SPDX-License-Identifier: MIT
--
-- The run, in pairs of words.  A value of kind 'time' is nanoseconds, of kind 'bytes' bytes, of kind
-- 'count' a number, of kind 'text' as it is.
WITH t AS (SELECT * FROM trace ORDER BY trace_id LIMIT 1),
fact(n, name, kind, value) AS (
  SELECT 1, 'program', 'text', program FROM t
  UNION ALL SELECT 2, 'process', 'text', pid FROM t
  UNION ALL SELECT 3, 'started', 'text', strftime('%Y-%m-%d %H:%M:%S UTC', start_wall_ns / 1000000000, 'unixepoch') FROM t WHERE start_wall_ns > 0
  UNION ALL SELECT 4, 'recorded', 'time', duration_ns FROM t
  UNION ALL SELECT 5, 'ended by', 'text', "end" || coalesce(' ' || end_code, '') FROM t
  UNION ALL SELECT 6, 'goroutines from before', 'count', nullif(older, 0) FROM t
  UNION ALL SELECT 6, 'goroutines started', 'count', started FROM t
  UNION ALL SELECT 7, 'goroutines ended', 'count', ended FROM t
  UNION ALL SELECT 8, 'most alive at once', 'count', peak FROM t
  UNION ALL SELECT 9, 'processors used', 'count', maxprocs FROM t
  UNION ALL SELECT 10, 'trace', 'text', file FROM t
  UNION ALL SELECT 11, 'size of the trace', 'bytes', bytes FROM t
  UNION ALL SELECT 12, 'events', 'count', events FROM t
  UNION ALL SELECT 13, 'events lost', 'count', nullif(lost_events, 0) FROM t
  UNION ALL SELECT 14, 'batches lost or damaged', 'count', nullif(lost_batches, 0) FROM t
  UNION ALL SELECT 15, 'recorded level', 'text', level FROM t
  UNION ALL SELECT 16, 'repeat it by', 'text', 'GOR_DEBUG=' || replay FROM t
  UNION ALL SELECT 4, 'begins after the recording by', 'time', begin_ns FROM t
  UNION ALL SELECT 5, 'dumped because', 'text', reason FROM t
  UNION ALL SELECT 16, 'CPU time of the recorder', 'time', recorder_cpu_ns FROM t
  UNION ALL SELECT 16, 'stalls behind the recorder', 'count', nullif(stalls, 0) FROM t
  UNION ALL SELECT 16, 'time in those', 'time', nullif(stall_ns, 0) FROM t
  UNION ALL SELECT 14, 'places where no order of events fits', 'count', nullif(broken, 0) FROM t
  UNION ALL SELECT 17, 'note', 'text', 'reading the trace was interrupted' FROM t WHERE partial
  UNION ALL SELECT 18, 'note', 'text', 'part of the trace came from a left-over buffer file' FROM t WHERE sidecar
)
SELECT name, kind, value FROM fact WHERE value IS NOT NULL ORDER BY n;
