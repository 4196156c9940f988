-- SPDX-License-Identifier: MIT
--
-- What diff prints.

-- @trace_put
INSERT INTO trace VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8);

-- @site_put
INSERT INTO site VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11);

-- @found_put
INSERT OR IGNORE INTO found VALUES (?1, ?2, ?3, ?4, ?5, ?6);

-- @noise_put
INSERT INTO noise VALUES (?1 / 1e9, ?2, ?3);

-- @traces
SELECT file, coalesce(program, '?'), duration_ns, started, peak, at_end FROM trace ORDER BY side;

-- @changes
SELECT name, n, a, b, file, line, func, text, worse FROM change
ORDER BY size DESC, worse DESC, file, func, text, n;

-- @only
SELECT side, kind, title, file, line, fingerprint FROM only ORDER BY side DESC, rowid;

-- @same
-- How many sites have no change.
SELECT count(*) FROM (
  SELECT file, func, text FROM site EXCEPT SELECT file, func, text FROM change);

-- @worse
SELECT EXISTS (SELECT 1 FROM change WHERE worse) OR EXISTS (SELECT 1 FROM only WHERE side = 1);

-- @json
SELECT json_object(
  'schema', 1,
  'a', (SELECT json_object('file', file, 'program', program, 'duration_ns', duration_ns, 'started', started,
                           'peak', peak, 'alive_at_end', at_end) FROM trace WHERE side = 0),
  'b', (SELECT json_object('file', file, 'program', program, 'duration_ns', duration_ns, 'started', started,
                           'peak', peak, 'alive_at_end', at_end) FROM trace WHERE side = 1),
  'threshold', (SELECT json_object('share', share, 'min_count', min_count, 'min_ns', min_ns) FROM noise),
  'worse', json(CASE WHEN EXISTS (SELECT 1 FROM change WHERE worse)
                       OR EXISTS (SELECT 1 FROM only WHERE side = 1) THEN 'true' ELSE 'false' END),
  'changes', json(coalesce((SELECT json_group_array(json(c.row)) FROM (
    SELECT json_object('measure', name, 'a', a, 'b', b,
             'worse', json(CASE worse WHEN 0 THEN 'false' ELSE 'true' END),
             'born_at', json_object('file', file, 'line', line, 'func', func, 'text', text)) AS row
    FROM change ORDER BY size DESC, worse DESC, file, func, text, n) c), '[]')),
  'new', json((SELECT json_group_array(json_object('fingerprint', fingerprint, 'kind', kind, 'title', title,
                 'file', file, 'line', line)) FROM only WHERE side = 1)),
  'gone', json((SELECT json_group_array(json_object('fingerprint', fingerprint, 'kind', kind, 'title', title,
                  'file', file, 'line', line)) FROM only WHERE side = 0)));
