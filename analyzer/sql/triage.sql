-- SPDX-License-Identifier: MIT
--
-- Which findings count for the exit status, and which are reported.

-- @baseline_json
-- Fingerprints of a report.json, ?1; a row of NULL for what is none.
SELECT json_extract(e.value, '$.fingerprint') FROM json_each(?1, '$.findings') e
UNION ALL
SELECT NULL WHERE json_type(?1, '$.findings') IS NOT 'array';

-- @unknown
UPDATE finding_status SET known = 0 WHERE trace_id = 1;

-- @known
UPDATE finding_status SET known = 1 WHERE trace_id = 1 AND fingerprint = ?1;

-- @suppress
-- Of the kinds ?1 what has a function, file or object (?2: one of these words, or '') like ?3.  A file may
-- begin with more folders than the pattern has.
UPDATE finding_status AS s SET suppressed = 1
WHERE s.trace_id = 1 AND s.kind GLOB ?1 AND EXISTS (
  SELECT 1
  FROM (SELECT CASE WHEN t.field = 'object' THEN 'object' WHEN t.field GLOB '* file' THEN 'file'
                    ELSE 'func' END AS field,
               CASE t.field WHEN 'born text' THEN ltrim(substr(t.text, 4), '*&') ELSE t.text END AS text
        FROM finding_term t
        WHERE t.trace_id = s.trace_id AND t.kind = s.kind AND t.part = s.part
          AND t.field IN ('object', 'blocked func', 'blocked file', 'born func', 'born file', 'born text')
        UNION ALL
        SELECT 'func', f.blocked_func FROM finding f
        WHERE f.trace_id = s.trace_id AND f.kind = s.kind AND f.part = s.part
        UNION ALL
        SELECT 'file', f.blocked_file FROM finding f
        WHERE f.trace_id = s.trace_id AND f.kind = s.kind AND f.part = s.part) w
  WHERE (?2 = '' OR w.field = ?2)
    AND (w.text GLOB ?3 OR (w.field = 'file' AND w.text GLOB '*/' || ?3)));

-- @filter
-- What began before ?1 or after ?2, lasted for less than ?3 until the end, or has not the goroutine ?4.
-- What is not known is no reason.
UPDATE finding_status AS s SET left_out = 1
FROM finding f
JOIN trace t ON t.trace_id = f.trace_id
WHERE s.trace_id = 1 AND f.trace_id = s.trace_id AND f.kind = s.kind AND f.part = s.part
  AND (f.since_ns < ?1 OR f.since_ns > ?2 OR t.duration_ns - f.since_ns < ?3
       OR (?4 IS NOT NULL AND NOT EXISTS (
         SELECT 1 FROM finding_goroutine m
         WHERE m.trace_id = f.trace_id AND m.kind = f.kind AND m.part = f.part AND m.g = ?4)));

-- @counts
UPDATE finding_status
SET counts = level >= ?1 AND NOT coalesce(known, 0) AND NOT suppressed AND NOT left_out
WHERE trace_id = 1;

-- @number
-- What is reported first, in the order it has.
UPDATE finding SET id = r.id
FROM (SELECT f.kind, f.part, row_number() OVER (ORDER BY s.suppressed OR s.left_out, f.id) AS id
      FROM finding f
      JOIN finding_status s ON s.trace_id = f.trace_id AND s.kind = f.kind AND s.part = f.part
      WHERE f.trace_id = 1) r
WHERE finding.trace_id = 1 AND finding.kind = r.kind AND finding.part = r.part;
