-- SPDX-License-Identifier: MIT
--
-- Channels and locks, worst first: in a finding, waited for at the end, waited for longest in all.

-- @choose
-- The temporary table listed: a hundred of each.  Who is none of the first hundred by one of the four things that
-- count, one after the other, cannot be among them.
INSERT INTO temp.listed(object, type, place)
WITH candidate(object) AS (
  SELECT b.object FROM finding_object b WHERE b.trace_id = 1
  UNION SELECT w.object FROM wait_on w WHERE w.trace_id = 1
  UNION SELECT * FROM (SELECT w.object FROM object_wait w
                       CROSS JOIN object o ON o.trace_id = 1 AND o.object = w.object AND o.type = 'chan'
                       WHERE w.trace_id = 1 ORDER BY w.ns DESC, w.object LIMIT 100)
  UNION SELECT * FROM (SELECT w.object FROM object_wait w
                       CROSS JOIN object o ON o.trace_id = 1 AND o.object = w.object
                         AND o.type IN ('mutex', 'rwmutex')
                       WHERE w.trace_id = 1 ORDER BY w.ns DESC, w.object LIMIT 100)
  UNION SELECT * FROM (SELECT o.object FROM object o
                       WHERE o.trace_id = 1 AND o.type = 'chan' ORDER BY o.object LIMIT 100)
  UNION SELECT * FROM (SELECT o.object FROM object o
                       WHERE o.trace_id = 1 AND o.type IN ('mutex', 'rwmutex') ORDER BY o.object LIMIT 100)
)
SELECT object, type, place
FROM (SELECT o.object, o.type, row_number() OVER (
               PARTITION BY o.type
               ORDER BY f.object IS NULL, coalesce(n.now, 0) DESC, coalesce(w.ns, 0) DESC, o.object) AS place
      FROM (SELECT x.object, CASE x.type WHEN 'chan' THEN x.type ELSE 'lock' END AS type
            FROM candidate c
            CROSS JOIN object x ON x.trace_id = 1 AND x.object = c.object
            WHERE x.type IN ('chan', 'mutex', 'rwmutex')) o
      LEFT JOIN (SELECT DISTINCT b.object FROM finding_object b
                 JOIN shown s ON s.trace_id = b.trace_id AND s.kind = b.kind AND s.part = b.part
                 WHERE b.trace_id = 1) f ON f.object = o.object
      LEFT JOIN (SELECT object, count(*) AS now FROM wait_on WHERE trace_id = 1 GROUP BY object) n
             ON n.object = o.object
      LEFT JOIN object_wait w ON w.trace_id = 1 AND w.object = o.object)
WHERE place <= 100;

-- @channels
SELECT n.object, n.name, n.made_func, n.made_file, n.made_line, coalesce(n.cap, 0),
       coalesce(u.sent, 0), coalesce(u.received, 0), coalesce(w.queue, 0), coalesce(b.senders, 0),
       coalesce(b.receivers, 0), w.longest_ns, n.closed_ns, o.closed_by, coalesce(o.woken, 0),
       f.id, f.finding
FROM temp.listed l
JOIN object_name n ON n.trace_id = 1 AND n.object = l.object
JOIN object o ON o.trace_id = 1 AND o.object = l.object
LEFT JOIN object_wait w ON w.trace_id = 1 AND w.object = l.object
LEFT JOIN (SELECT object, sum(CASE op WHEN 'chan send' THEN count END) AS sent,
                  sum(CASE op WHEN 'chan receive' THEN count END) AS received
           FROM use WHERE trace_id = 1 AND object IN (SELECT object FROM temp.listed)
           GROUP BY object) u ON u.object = l.object
LEFT JOIN (SELECT object, sum(CASE op WHEN 'chan send' THEN 1 END) AS senders,
                  sum(CASE op WHEN 'chan receive' THEN 1 END) AS receivers
           FROM wait_on WHERE trace_id = 1 GROUP BY object) b ON b.object = l.object
LEFT JOIN (SELECT b.object, min(s.id) AS id, s.kind AS finding
           FROM finding_object b
           JOIN shown s ON s.trace_id = b.trace_id AND s.kind = b.kind AND s.part = b.part
           WHERE b.trace_id = 1
           GROUP BY b.object) f ON f.object = l.object
WHERE l.type = 'chan'
ORDER BY l.place;

-- @locks
SELECT n.object, n.type, n.name, n.made_func, n.made_file, n.made_line, coalesce(h.times, 0),
       h.longest_ns, h.ns, coalesce(w.waits, 0), w.longest_ns, coalesce(w.queue, 0),
       (SELECT count(*) FROM wait_on b WHERE b.trace_id = 1 AND b.object = l.object) AS now,
       (SELECT group_concat(x.text, ', ')
        FROM (SELECT CASE a.mode WHEN 'rwmutex rlock' THEN 'read by ' ELSE '' END || 'g' || a.g ||
                     coalesce(' at ' || substr(s.file, length(rtrim(s.file, replace(s.file, '/', ''))) + 1) ||
                              ':' || s.line, '') ||
                     CASE WHEN a.to_ns IS NULL THEN ' until the end' ELSE '' END AS text
              FROM hold a
              LEFT JOIN site s ON s.trace_id = a.trace_id AND s.site = a.site
              WHERE a.trace_id = 1 AND a.object = l.object
              ORDER BY a.count DESC, a.g LIMIT 4) x) AS holders,
       f.id, f.finding
FROM temp.listed l
JOIN object_name n ON n.trace_id = 1 AND n.object = l.object
LEFT JOIN object_wait w ON w.trace_id = 1 AND w.object = l.object
LEFT JOIN (SELECT a.object, max(a.count) AS times, sum(coalesce(a.to_ns, t.duration_ns) - a.from_ns) AS ns,
                  max(coalesce(a.to_ns, t.duration_ns) - a.from_ns) AS longest_ns
           FROM hold a
           JOIN trace t ON t.trace_id = a.trace_id
           WHERE a.trace_id = 1 AND a.object IN (SELECT object FROM temp.listed)
           GROUP BY a.object) h ON h.object = l.object
LEFT JOIN (SELECT b.object, min(s.id) AS id, s.kind AS finding
           FROM finding_object b
           JOIN shown s ON s.trace_id = b.trace_id AND s.kind = b.kind AND s.part = b.part
           WHERE b.trace_id = 1
           GROUP BY b.object) f ON f.object = l.object
WHERE l.type = 'lock'
ORDER BY l.place;

-- @channel_count
SELECT count(*) FROM object WHERE trace_id = 1 AND type = 'chan';

-- @lock_count
SELECT count(*) FROM object WHERE trace_id = 1 AND type IN ('mutex', 'rwmutex');
