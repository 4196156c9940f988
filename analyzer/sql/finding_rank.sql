-- SPDX-License-Identifier: MIT
--
-- Numbers the findings, worst first, and gives each its fingerprint.  What is the cause of a deadlock comes
-- before it.
UPDATE finding SET id = r.id
FROM (SELECT f.trace_id, f.kind, f.part, row_number() OVER (
               PARTITION BY f.trace_id
               ORDER BY CASE f.severity WHEN 'error' THEN 1 WHEN 'warning' THEN 2 ELSE 3 END,
                        CASE f.kind WHEN 'misuse' THEN 1 WHEN 'lock-deadlock' THEN 2
                                    WHEN 'abandoned-lock' THEN 3 WHEN 'partial-deadlock' THEN 4
                                    WHEN 'lost-wakeup' THEN 5
                                    WHEN 'global-deadlock' THEN 6 WHEN 'hidden-deadlock' THEN 7
                                    WHEN 'livelock' THEN 7
                                    WHEN 'leak' THEN 8 WHEN 'spin' THEN 9
                                    WHEN 'poll' THEN 10 WHEN 'runaway-spawn' THEN 11
                                    WHEN 'pool-exhausted' THEN 12
                                    WHEN 'starved' THEN 13 WHEN 'stuck-call' THEN 14
                                    WHEN 'leak-growth' THEN 15 ELSE 16 END,
                        CASE f.certainty WHEN 'proven' THEN 1 WHEN 'probable' THEN 2 ELSE 3 END,
                        f.count DESC, f.part) AS id
      FROM finding f) r
WHERE r.trace_id = finding.trace_id AND r.kind = finding.kind AND r.part = finding.part;

DELETE FROM finding_term;
DELETE FROM finding_status;

-- The places of a finding.  In a cycle the goroutine with the lowest number is chance: those of all of
-- them.  Where a spinner was when samples were taken is chance as well: only where it was born.
WITH place AS (
  SELECT f.trace_id, f.kind, f.part,
         CASE WHEN f.kind <> 'spin' OR f.born_func IS NULL THEN f.blocked_func END AS func,
         CASE WHEN f.kind <> 'spin' OR f.born_func IS NULL THEN f.blocked_file END AS file,
         f.blocked_text AS text, f.born_func, f.born_file, f.born_text
  FROM finding f
  UNION
  SELECT m.trace_id, m.kind, m.part, b.func, b.file, b.blocked_text, b.born_func, b.born_file,
         'go ' || b.born_text
  FROM finding_goroutine m
  JOIN blocked b ON b.trace_id = m.trace_id AND b.g = m.g
  WHERE m.kind IN ('lock-deadlock', 'partial-deadlock')
    AND b.trace_id IN (SELECT x.trace_id FROM finding_goroutine x
                       WHERE x.kind IN ('lock-deadlock', 'partial-deadlock')) -- at once, if there is none
)
INSERT OR IGNORE INTO finding_term(trace_id, kind, part, field, text)
SELECT trace_id, kind, part, field, text
FROM (SELECT trace_id, kind, part, 'blocked func' AS field, func AS text FROM place
      UNION ALL SELECT trace_id, kind, part, 'blocked file', file FROM place
      UNION ALL SELECT trace_id, kind, part, 'blocked text', text FROM place
      UNION ALL SELECT trace_id, kind, part, 'born func', born_func FROM place
      UNION ALL SELECT trace_id, kind, part, 'born file', born_file FROM place
      UNION ALL SELECT trace_id, kind, part, 'born text', born_text FROM place)
WHERE text <> '';

-- The objects of a finding: those its first goroutine waits for, since how many others came to wait is
-- chance; all of them in a cycle, and where no waits are known.  An object without a name is only a type.
WITH first AS (
  SELECT trace_id, kind, part, min(g) AS g FROM finding_wait GROUP BY trace_id, kind, part
), thing AS (
  SELECT o.trace_id, o.kind, o.part, n.type, n.name, n.made_func, n.made_file
  FROM finding_object o
  JOIN object_name n ON n.trace_id = o.trace_id AND n.object = o.object
  LEFT JOIN first f ON f.trace_id = o.trace_id AND f.kind = o.kind AND f.part = o.part
  WHERE f.g IS NULL OR o.kind IN ('lock-deadlock', 'partial-deadlock')
     OR EXISTS (SELECT 1 FROM finding_wait w
                WHERE w.trace_id = o.trace_id AND w.kind = o.kind AND w.part = o.part
                  AND w.g = f.g AND w.object = o.object)
)
INSERT OR IGNORE INTO finding_term(trace_id, kind, part, field, text)
SELECT trace_id, kind, part, field, text
FROM (SELECT trace_id, kind, part, 'object' AS field, name AS text FROM thing
      WHERE name NOT GLOB '#[0-9]*'
      UNION ALL SELECT trace_id, kind, part, 'type', type FROM thing
      UNION ALL SELECT trace_id, kind, part, 'made func', made_func FROM thing
      UNION ALL SELECT trace_id, kind, part, 'made file', made_file FROM thing)
WHERE text <> '';

-- The fingerprint: two sums over the kind and the terms, of files only the last part of the name.
WITH RECURSIVE term AS (
  SELECT DISTINCT trace_id, kind, part, field,
         CASE WHEN field GLOB '* file' THEN substr(text, length(rtrim(text, replace(text, '/', ''))) + 1)
              ELSE text END AS text
  FROM finding_term
), word AS (
  SELECT f.trace_id, f.kind, f.part, f.kind || coalesce(
           (SELECT group_concat(char(10) || o.field || '=' || o.text, '')
            FROM (SELECT t.field, t.text FROM term t
                  WHERE t.trace_id = f.trace_id AND t.kind = f.kind AND t.part = f.part
                  ORDER BY t.field, t.text) o), '') AS text
  FROM finding f
), sum(trace_id, kind, part, text, n, a, b) AS (
  SELECT trace_id, kind, part, text, 1, 5381, 52711 FROM word
  UNION ALL
  SELECT trace_id, kind, part, text, n + 1, (a * 16777619 + unicode(substr(text, n, 1))) % 2147483647,
         (b * 69069 + unicode(substr(text, n, 1))) % 2147483629
  FROM sum WHERE n <= length(text)
)
INSERT INTO finding_status(trace_id, kind, part, fingerprint, level, counts, known, suppressed, left_out)
SELECT f.trace_id, f.kind, f.part, printf('%08x%08x', s.a, s.b),
       CASE f.certainty WHEN 'proven' THEN 3 WHEN 'probable' THEN 2
         WHEN 'fact' THEN CASE f.severity WHEN 'error' THEN 3 WHEN 'warning' THEN 1 ELSE 0 END
         ELSE CASE f.severity WHEN 'info' THEN 0 ELSE 1 END END AS level,
       0, NULL, 0, 0
FROM sum s
JOIN finding f ON f.trace_id = s.trace_id AND f.kind = s.kind AND f.part = s.part
WHERE s.n = length(s.text) + 1;

UPDATE finding_status SET counts = level >= 2; -- --fail-on probable
