-- SPDX-License-Identifier: MIT
--
-- Which findings count for the exit status, and which are reported.

-- @counts
UPDATE finding_status
SET counts = level >= ?1 AND NOT coalesce(known, 0) AND NOT suppressed AND NOT left_out
WHERE trace_id = 1;
