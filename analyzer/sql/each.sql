-- SPDX-License-Identifier: MIT
--
-- Intervals for interval/each.c, of trace ?1; of goroutine ?2 or of all.

-- @packed
SELECT EXISTS (SELECT 1 FROM main.interval_block);

-- @blocks
SELECT g, n, from_ns, data FROM main.interval_block WHERE trace_id = ?1 ORDER BY g, n;

-- @blocks_of
SELECT g, n, from_ns, data FROM main.interval_block WHERE trace_id = ?1 AND g = ?2 ORDER BY n;

-- @rows
SELECT g, n, from_ns, coalesce(to_ns, -1), state, reason, flags, waker, object, site, thread, woken_by, wake_object
FROM main.interval
WHERE trace_id = ?1
ORDER BY g, n;

-- @rows_of
SELECT g, n, from_ns, coalesce(to_ns, -1), state, reason, flags, waker, object, site, thread, woken_by, wake_object
FROM main.interval
WHERE trace_id = ?1 AND g = ?2
ORDER BY n;
