-- SPDX-License-Identifier: MIT
--
-- Settings of the detectors.

-- @spin
UPDATE trace SET spin_ns = ?1 WHERE trace_id = 1;

-- @poll
UPDATE trace SET poll_ns = ?1 WHERE trace_id = 1;

-- @starve
UPDATE trace SET starve_ns = ?1 WHERE trace_id = 1;

-- @call
UPDATE trace SET call_ns = ?1 WHERE trace_id = 1;
