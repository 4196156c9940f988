-- SPDX-License-Identifier: MIT
--
-- Program counters in need of a place, and the files they may be in.

-- @modules
SELECT base, size, path, coalesce(build_id, '') FROM module WHERE trace_id = 1 ORDER BY base;

-- @pcs
SELECT DISTINCT pc FROM busy WHERE trace_id = 1 AND pc IS NOT NULL ORDER BY pc;

-- @place
UPDATE busy SET file = ?2, line = ?3, func = ?4 WHERE trace_id = 1 AND pc = ?1;
