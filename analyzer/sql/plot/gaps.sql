-- SPDX-License-Identifier: MIT
--
-- Lost stretches, for the grey bands.
SELECT from_ns, to_ns
FROM gap
WHERE trace_id = (SELECT min(trace_id) FROM trace)
ORDER BY from_ns;
