-- SPDX-License-Identifier: MIT
--
-- Of the trace itself.

-- @file
SELECT file FROM trace ORDER BY trace_id LIMIT 1;
