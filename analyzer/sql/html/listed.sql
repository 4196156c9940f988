-- SPDX-License-Identifier: MIT
--
-- Channels and locks, worst first: in a finding, waited for at the end, waited for longest in all.

-- @objects
-- Channels and locks, by number.
SELECT object, CASE type WHEN 'chan' THEN 0 ELSE 1 END FROM object
WHERE trace_id = 1 AND type IN ('chan', 'mutex', 'rwmutex')
ORDER BY object;

-- @waits
SELECT object, ns, CASE WHEN reason IN (1, 2) THEN 0 WHEN reason IN (7, 8, 9) THEN 1 END
FROM object_wait WHERE trace_id = 1 ORDER BY object;

-- @candidate
INSERT OR IGNORE INTO temp.candidate(object) VALUES (?1);

-- @choose
-- The temporary table listed: a hundred of each.  Who is none of the first hundred by one of the four things that
-- count, one after the other, cannot be among them; candidate has those by number and by waits.
INSERT INTO temp.listed(object, type, place)
WITH fact(object, found, now) AS (
  SELECT b.object, s.id IS NOT NULL, 0
  FROM finding_object b
  LEFT JOIN shown s ON s.trace_id = b.trace_id AND s.kind = b.kind AND s.part = b.part
  WHERE b.trace_id = 1
  UNION ALL SELECT w.object, 0, 1 FROM wait_on w WHERE w.trace_id = 1
  UNION ALL SELECT c.object, 0, 0 FROM temp.candidate c
)
SELECT object, type, place
FROM (SELECT x.object, x.type, row_number() OVER (
               PARTITION BY x.type
               ORDER BY x.found DESC, x.now DESC, x.ns DESC, x.object) AS place
      FROM (SELECT c.object, c.found, c.now, coalesce(w.ns, 0) AS ns, CASE
                     WHEN o.type = 'chan' OR o.object IS NULL AND w.reason IN (1, 2) THEN 'chan'
                     WHEN o.type IN ('mutex', 'rwmutex') OR o.object IS NULL AND w.reason IN (7, 8, 9) THEN 'lock'
                   END AS type
            FROM (SELECT object, max(found) AS found, sum(now) AS now FROM fact GROUP BY object) c
            LEFT JOIN object o ON o.trace_id = 1 AND o.object = c.object
            LEFT JOIN object_wait w ON w.trace_id = 1 AND w.object = c.object) x
      WHERE x.type IS NOT NULL)
WHERE place <= 100;

-- @channels
SELECT l.object, coalesce(n.name, nullif(ltrim(s.text, '*&'), ''), '#' || l.object), n.made_func, n.made_file,
       n.made_line, CASE WHEN n.object IS NULL THEN -1 ELSE coalesce(n.cap, 0) END,
       coalesce(u.sent, 0), coalesce(u.received, 0), coalesce(w.queue, 0), coalesce(b.senders, 0),
       coalesce(b.receivers, 0), w.longest_ns, n.closed_ns, o.closed_by, coalesce(o.woken, 0),
       f.id, f.finding
FROM temp.listed l
LEFT JOIN object_name n ON n.trace_id = 1 AND n.object = l.object
LEFT JOIN object o ON o.trace_id = 1 AND o.object = l.object
LEFT JOIN object_wait w ON w.trace_id = 1 AND w.object = l.object
LEFT JOIN site s ON s.trace_id = 1 AND s.site = w.site
LEFT JOIN (SELECT x.object, sum(CASE u.op WHEN 'chan send' THEN u.count END) AS sent,
                  sum(CASE u.op WHEN 'chan receive' THEN u.count END) AS received
           FROM temp.listed x
           CROSS JOIN use u ON u.trace_id = 1 AND u.object = x.object
           WHERE x.type = 'chan'
           GROUP BY x.object) u ON u.object = l.object
LEFT JOIN (SELECT object, sum(CASE op WHEN 'chan send' THEN 1 END) AS senders,
                  sum(CASE op WHEN 'chan receive' THEN 1 END) AS receivers
           FROM wait_on WHERE trace_id = 1 AND object IN (SELECT object FROM temp.listed)
           GROUP BY object) b ON b.object = l.object
LEFT JOIN (SELECT b.object, min(s.id) AS id, s.kind AS finding
           FROM finding_object b
           JOIN shown s ON s.trace_id = b.trace_id AND s.kind = b.kind AND s.part = b.part
           WHERE b.trace_id = 1 AND b.object IN (SELECT object FROM temp.listed)
           GROUP BY b.object) f ON f.object = l.object
WHERE l.type = 'chan'
ORDER BY l.place;

-- @locks
SELECT l.object, CASE WHEN n.object IS NOT NULL THEN n.type WHEN w.reason = 7 THEN 'mutex' ELSE 'rwmutex' END,
       coalesce(n.name, nullif(ltrim(s.text, '*&'), ''), '#' || l.object), n.made_func, n.made_file, n.made_line, coalesce(h.times, 0),
       h.longest_ns, h.ns, coalesce(w.waits, 0), w.longest_ns, coalesce(w.queue, 0),
       (SELECT count(*) FROM wait_on b WHERE b.trace_id = 1 AND b.object = l.object) AS now,
       (SELECT group_concat(x.text, ', ')
        FROM (SELECT CASE a.mode WHEN 'rwmutex rlock' THEN 'read by ' ELSE '' END || 'g' || a.g ||
                     coalesce(' at ' || substr(s.file, length(rtrim(s.file, replace(s.file, '/', ''))) + 1) ||
                              ':' || s.line, '') ||
                     CASE WHEN a.to_ns IS NULL THEN ' until the end' ELSE '' END AS text
              FROM (SELECT h.g, h.count, h.mode, h.site, h.to_ns FROM hold h
                    WHERE h.trace_id = 1 AND h.object = l.object
                    ORDER BY h.count DESC, h.g LIMIT 4) a
              LEFT JOIN site s ON s.trace_id = 1 AND s.site = a.site
              ORDER BY a.count DESC, a.g) x) AS holders,
       f.id, f.finding
FROM temp.listed l
LEFT JOIN object_name n ON n.trace_id = 1 AND n.object = l.object
LEFT JOIN object_wait w ON w.trace_id = 1 AND w.object = l.object
LEFT JOIN site s ON s.trace_id = 1 AND s.site = w.site
LEFT JOIN (SELECT x.object, max(a.count) AS times, sum(coalesce(a.to_ns, t.duration_ns) - a.from_ns) AS ns,
                  max(coalesce(a.to_ns, t.duration_ns) - a.from_ns) AS longest_ns
           FROM trace t
           CROSS JOIN temp.listed x
           CROSS JOIN hold a ON a.trace_id = 1 AND a.object = x.object
           WHERE t.trace_id = 1 AND x.type = 'lock'
           GROUP BY x.object) h ON h.object = l.object
LEFT JOIN (SELECT b.object, min(s.id) AS id, s.kind AS finding
           FROM finding_object b
           JOIN shown s ON s.trace_id = b.trace_id AND s.kind = b.kind AND s.part = b.part
           WHERE b.trace_id = 1 AND b.object IN (SELECT object FROM temp.listed)
           GROUP BY b.object) f ON f.object = l.object
WHERE l.type = 'lock'
ORDER BY l.place;
