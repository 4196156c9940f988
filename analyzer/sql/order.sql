-- SPDX-License-Identifier: MIT
--
-- What detect/order.c reads and writes.

-- @clear
DELETE FROM lock_circle WHERE trace_id = ?1;

-- @nests
SELECT nest, g, outer, outer_mode = 'rwmutex rlock', coalesce(outer_site, 0), outer_ns,
       object, mode = 'rwmutex rlock', coalesce(site, 0), ts_ns
FROM nest WHERE trace_id = 1
ORDER BY outer, nest;

-- @gates
SELECT object, mode = 'rwmutex rlock' FROM nest_gate WHERE trace_id = 1 AND nest = ?1
ORDER BY object;

-- @writers
SELECT g, from_ns FROM hold
WHERE trace_id = 1 AND object = ?1 AND g <> ?2 AND mode = 'rwmutex lock'
  AND NOT EXISTS (SELECT 1 FROM site s WHERE s.trace_id = 1 AND s.site = hold.site AND s.op = 'rwmutex trylock')
ORDER BY count LIMIT 64;

-- @steps
-- What orders one goroutine's doings before another's, in time order: births and wakes, but by locks (1);
-- and who took by an object (3).
SELECT born_ns AS t, 1, parent, g
FROM goroutine WHERE trace_id = 1 AND parent IS NOT NULL AND older = 0
UNION ALL
SELECT i.to_ns, 1, i.woken_by, i.g
FROM interval i
LEFT JOIN object o ON o.trace_id = i.trace_id AND o.object = i.wake_object
WHERE i.trace_id = 1 AND i.woken_by IS NOT NULL AND i.to_ns IS NOT NULL
  AND coalesce(o.type, '') NOT IN ('mutex', 'rwmutex')
UNION ALL
SELECT first_ns, 3, g, object FROM use
WHERE trace_id = 1
  AND op IN ('chan receive', 'select', 'waitgroup wait', 'sem acquire', 'cond wait', 'once do')
UNION ALL
SELECT last_ns, 3, g, object FROM use
WHERE trace_id = 1
  AND op IN ('chan receive', 'select', 'waitgroup wait', 'sem acquire', 'cond wait', 'once do')
ORDER BY t;

-- @gives
SELECT g, object FROM use
WHERE trace_id = 1
  AND op IN ('chan send', 'chan close', 'select', 'waitgroup done', 'sem release', 'cond signal',
             'cond broadcast', 'once do', 'context cancel')
ORDER BY g, object;

-- @circle
INSERT INTO lock_circle(trace_id, circle, step, nest, writer) VALUES (1, ?1, ?2, ?3, ?4);
