-- SPDX-License-Identifier: MIT
--
-- Program counters in need of a place, and the files they may be in.

-- @modules
SELECT base, size, path, coalesce(build_id, '') FROM module WHERE trace_id = 1 ORDER BY base;

-- @pcs
SELECT pc FROM busy WHERE trace_id = 1 AND pc IS NOT NULL
UNION
SELECT pc FROM frame WHERE trace_id = 1
UNION
SELECT g.entry
FROM stack s
JOIN goroutine g ON g.trace_id = s.trace_id AND g.g = s.g
WHERE s.trace_id = 1 AND g.entry IS NOT NULL
ORDER BY 1;

-- @symbol
INSERT OR IGNORE INTO symbol(trace_id, pc, n, file, line, func) VALUES (1, ?1, ?2, ?3, ?4, ?5);

-- @busy
UPDATE busy SET file = s.file, line = s.line, func = s.func
FROM symbol s
WHERE busy.trace_id = 1 AND s.trace_id = 1 AND s.pc = busy.pc AND s.n = 0;
