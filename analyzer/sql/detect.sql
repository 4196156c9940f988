-- SPDX-License-Identifier: MIT
--
-- Settings of the detectors.

-- @spin
UPDATE trace SET spin_ns = ?1 WHERE trace_id = 1;
