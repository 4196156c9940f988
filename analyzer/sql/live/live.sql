-- SPDX-License-Identifier: MIT
--
-- What a program's agent says, as JSON in ?1.

-- @stats
SELECT ?1 ->> '$.version', ?1 ->> '$.program', coalesce(?1 ->> '$.recording', ''), ?1 ->> '$.goroutines',
       ?1 ->> '$.blocked', ?1 ->> '$.threads', ?1 ->> '$.procs', ?1 ->> '$.cpus', ?1 ->> '$.elapsed_ns',
       ?1 ->> '$.cpu_ns', ?1 ->> '$.rss_bytes'
WHERE json_valid(?1) AND ?1 ->> '$.version' IS NOT NULL;

-- @states
SELECT key, value FROM json_each(?1, '$.states') ORDER BY value DESC, key;

-- @sites
-- The places where most are.
SELECT value ->> '$.count', value ->> '$.one', value ->> '$.state', coalesce(value ->> '$.site.file', ''),
       coalesce(value ->> '$.site.line', 0), coalesce(value ->> '$.site.func', ''),
       coalesce(value ->> '$.site.text', ''), coalesce(value ->> '$.born.file', ''),
       coalesce(value ->> '$.born.line', 0), coalesce(value ->> '$.born.func', '')
FROM json_each(?1, '$.sites')
ORDER BY 1 DESC, 4, 5, 2;
