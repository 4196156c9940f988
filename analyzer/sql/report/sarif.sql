-- SPDX-License-Identifier: MIT
--
-- SARIF 2.1.0.  ?1 is a JSON list of the detectors' kinds, ?2 our version.  uri() and message() are
-- report/sarif.c's: a file name as a URI, relative if it can be; text without what SARIF would expand.

-- @report
WITH one(trace_id) AS (SELECT 1),
rule AS (
  SELECT k.kind, row_number() OVER (ORDER BY k.kind) - 1 AS n, coalesce(t.text, 'Found by a rule of the user''s.') AS text
  FROM (SELECT value AS kind FROM json_each(?1)
        UNION SELECT f.kind FROM finding f JOIN one USING (trace_id)) k
  LEFT JOIN finding_kind t ON t.kind = k.kind
),
-- Everything that has a place: n 0 is where the finding is, the others have to do with it.
place AS (
  SELECT f.kind, f.part, 0 AS n, coalesce(nullif(f.blocked_file, ''), f.born_file) AS file,
         CASE WHEN f.blocked_file <> '' THEN f.blocked_line ELSE f.born_line END AS line,
         CASE WHEN f.blocked_file <> '' THEN f.blocked_func ELSE f.born_func END AS func,
         NULL AS text
  FROM finding f JOIN one USING (trace_id)
  UNION ALL
  SELECT f.kind, f.part, 1, f.born_file, f.born_line, f.born_func,
         'born here' || coalesce(': ' || nullif(f.born_text, ''), '')
  FROM finding f JOIN one USING (trace_id)
  UNION ALL
  SELECT kind, part, 1 + row_number() OVER (PARTITION BY kind, part ORDER BY object), file, line, func, text
  FROM (SELECT o.kind, o.part, min(o.object) AS object, n.made_file AS file, n.made_line AS line,
               n.made_func AS func, n.type || ' "' || n.name || '" made here' AS text
        FROM finding_object o
        JOIN one USING (trace_id)
        JOIN object_name n ON n.trace_id = o.trace_id AND n.object = o.object
        GROUP BY o.kind, o.part, n.made_site, n.type, n.name)
),
location AS (
  SELECT p.kind, p.part, p.n,
         json_patch(
           json_object(
             'physicalLocation', json_patch(
               json_object('artifactLocation', json_patch(
                 json_object('uri', uri(p.file)),
                 CASE WHEN uri(p.file) GLOB 'file:*' THEN '{}' ELSE '{"uriBaseId":"%SRCROOT%"}' END)),
               CASE WHEN p.line > 0 THEN json_object('region', json_object('startLine', p.line))
                    ELSE '{}' END)),
           json_patch(
             CASE WHEN p.func <> '' THEN json_object('logicalLocations', json_array(
                    json_object('name', p.func, 'kind', 'function'))) ELSE '{}' END,
             CASE WHEN p.n > 0 THEN json_object('id', p.n, 'message', json_object('text', message(p.text)))
                  ELSE '{}' END)) AS text
  FROM place p WHERE p.file <> '' AND p.n <= 100
),
result AS (
  SELECT f.id, json_patch(
    json_object(
      'ruleId', f.kind,
      'ruleIndex', r.n,
      'level', CASE WHEN s.counts THEN 'error' WHEN f.severity = 'info' OR s.known THEN 'note'
                    ELSE 'warning' END,
      'message', json_object('text', message(
        f.title || char(10) || f.why || coalesce(char(10) || 'hint: ' || f.hint, ''))),
      'locations', json((SELECT json_group_array(json(l.text)) FROM location l
         WHERE l.kind = f.kind AND l.part = f.part AND l.n = 0)),
      'relatedLocations', json((SELECT json_group_array(json(l.text)) FROM (
         SELECT text FROM location
         WHERE kind = f.kind AND part = f.part AND n > 0 ORDER BY n) l)),
      'partialFingerprints', json_object('gtrace/v1', s.fingerprint),
      'occurrenceCount', max(f.count, 1),
      'properties', json_object('certainty', f.certainty, 'severity', f.severity,
        'touches_gap', json(CASE f.touches_gap WHEN 0 THEN 'false' ELSE 'true' END))),
    json_patch(
      CASE WHEN f.since_ns IS NULL THEN '{}'
           ELSE json_object('properties', json_object('since_ns', f.since_ns)) END,
      json_patch(
        CASE s.known WHEN 1 THEN '{"baselineState":"unchanged"}' WHEN 0 THEN '{"baselineState":"new"}'
                     ELSE '{}' END,
        CASE WHEN s.suppressed THEN '{"suppressions":[{"kind":"external","status":"accepted"}]}'
             ELSE '{}' END))) AS text
  FROM finding f
  JOIN one USING (trace_id)
  JOIN rule r ON r.kind = f.kind
  JOIN finding_status s ON s.trace_id = f.trace_id AND s.kind = f.kind AND s.part = f.part
  WHERE NOT s.left_out
)
SELECT json_object(
  '$schema', 'https://json.schemastore.org/sarif-2.1.0.json',
  'version', '2.1.0',
  'runs', json_array(json_object(
    'tool', json_object('driver', json_object(
      'name', 'gtrace', 'version', ?2, 'semanticVersion', ?2,
      'rules', json((SELECT json_group_array(json_object(
          'id', r.kind,
          'shortDescription', json_object('text', r.text),
          'fullDescription', json_object('text', r.text),
          'help', json_object('text', r.text || ' See docs/verdicts.md of gtrace.'),
          'properties', json_object('tags', json_array('concurrency')))) FROM (
        SELECT kind, text FROM rule ORDER BY n) r)))),
    'invocations', json_array(json_object(
      'executionSuccessful', json(CASE t.partial WHEN 1 THEN 'false' ELSE 'true' END))),
    'columnKind', 'utf16CodeUnits',
    'results', json(coalesce((SELECT json_group_array(json(r.text)) FROM (
      SELECT text FROM result ORDER BY id) r), '[]')),
    'properties', json_object('trace', t.file, 'program', t.program, 'pid', t.pid))))
FROM trace t JOIN one USING (trace_id);
