-- SPDX-License-Identifier: MIT
--
-- What was recorded, on what and by what, in pairs of words, for the head of the page.  ?1 is the version of
-- the program that analyzes.
WITH t AS (SELECT * FROM trace ORDER BY trace_id LIMIT 1),
head(n, name, value) AS (
  SELECT 1, 'command', coalesce(argv, program) FROM t
  UNION ALL
  SELECT 2, 'recorded',
         CASE WHEN start_wall_ns > 0
                THEN strftime('%Y-%m-%d %H:%M:%S UTC, ', (start_wall_ns + coalesce(begin_ns, 0)) / 1000000000, 'unixepoch')
              ELSE '' END ||
         CASE WHEN duration_ns < 1000000 THEN round(duration_ns / 1e3, 1) || ' us'
              WHEN duration_ns < 1000000000 THEN round(duration_ns / 1e6, 1) || ' ms'
              ELSE round(duration_ns / 1e9, 1) || ' s' END || ' until ' ||
         CASE "end" WHEN 'exit' THEN 'exit ' || coalesce(end_code, '')
                    WHEN 'signal' THEN 'signal ' || coalesce(end_code, '')
                    WHEN 'deadlock' THEN 'a deadlock'
                    WHEN 'panic' THEN 'a panic'
                    WHEN 'stopped' THEN 'it was told to stop recording'
                    WHEN 'dump' THEN 'a dump of the flight recorder'
                    WHEN 'rotated' THEN 'the next file'
                    ELSE 'it was cut off' END
  FROM t
  UNION ALL
  SELECT 3, 'machine',
         coalesce(cpus || CASE cpus WHEN 1 THEN ' CPU' ELSE ' CPUs' END, 'unknown') ||
         coalesce(', GOR_MAXPROCS ' || maxprocs, '')
  FROM t WHERE cpus IS NOT NULL OR maxprocs IS NOT NULL
  UNION ALL
  SELECT 4, 'clock',
         CASE clock WHEN 'tsc' THEN 'the processor''s time stamp counter'
                    WHEN 'os' THEN 'the system''s monotonic clock'
                    ELSE clock END ||
         coalesce(', in steps of ' || CASE WHEN tick_ps < 1000 THEN tick_ps || ' ps'
                                           ELSE round(tick_ps / 1e3, 1) || ' ns' END, '')
  FROM t WHERE clock IS NOT NULL
  UNION ALL
  SELECT 5, 'versions',
         coalesce('recorded by gtrace ' || version, 'recorder unknown') || coalesce(' with ' || runtime, '') ||
         ', format ' || format || '; analyzed by gtrace ' || ?1
  FROM t
)
SELECT name, value FROM head WHERE value IS NOT NULL ORDER BY n;
