-- SPDX-License-Identifier: MIT
--
-- report.json: the keys are a contract; they are only ever added to.  An unknown is null.  Lists of
-- goroutines, objects and waits hold the first 100; count has the number.

-- @report
SELECT json_object(
  'schema', 1,
  'trace', json_object(
    'file', t.file, 'program', t.program, 'pid', t.pid, 'duration_ns', t.duration_ns,
    'events', t.events, 'lost_events', t.lost_events, 'bytes', t.bytes,
    'end', CASE t.end WHEN 'signal' THEN 'signal:' || t.end_code ELSE t.end END,
    'seed', t.seed, 'replay', t.replay, 'begin_ns', t.begin_ns, 'reason', t.reason,
    'partial', json(CASE t.partial WHEN 1 THEN 'true' ELSE 'false' END)),
  'goroutines', json_object(
    'older', t.older, 'started', t.started, 'ended', t.ended, 'peak', t.peak,
    'alive_at_end', t.older + t.started - t.ended),
  'findings', json(coalesce((SELECT json_group_array(json(f.text)) FROM (
    SELECT json_object(
      'id', f.id, 'kind', f.kind, 'certainty', f.certainty, 'severity', f.severity,
      'title', f.title, 'why', f.why, 'hint', f.hint, 'count', f.count,
      'goroutines', json((SELECT json_group_array(m.g) FROM (
         SELECT g FROM finding_goroutine
         WHERE trace_id = f.trace_id AND kind = f.kind AND part = f.part ORDER BY g LIMIT 100) m)),
      'since_ns', f.since_ns,
      'blocked_at', json(CASE WHEN f.blocked_file IS NULL THEN 'null' ELSE json_object(
         'file', f.blocked_file, 'line', f.blocked_line, 'func', f.blocked_func,
         'text', f.blocked_text) END),
      'born_at', json(CASE WHEN f.born_file IS NULL THEN 'null' ELSE json_object(
         'file', f.born_file, 'line', f.born_line, 'func', f.born_func) END),
      'objects', json((SELECT json_group_array(json_object(
           'id', b.object, 'type', b.type, 'name', b.name,
           'made_at', json(CASE WHEN b.made_file IS NULL THEN 'null' ELSE json_object(
             'file', b.made_file, 'line', b.made_line, 'func', b.made_func) END),
           'holder', b.holder)) FROM (
         SELECT o.object, o.holder, n.type, n.name, n.made_file, n.made_line, n.made_func
         FROM finding_object o
         LEFT JOIN object_name n ON n.trace_id = o.trace_id AND n.object = o.object
         WHERE o.trace_id = f.trace_id AND o.kind = f.kind AND o.part = f.part
         ORDER BY o.object LIMIT 100) b)),
      'waits_for', json((SELECT json_group_array(json_object(
           'goroutine', w.g, 'object', w.object, 'held_by', w.held_by)) FROM (
         SELECT g, object, held_by FROM finding_wait
         WHERE trace_id = f.trace_id AND kind = f.kind AND part = f.part
         ORDER BY g, object LIMIT 100) w)),
      'touches_gap', json(CASE f.touches_gap WHEN 0 THEN 'false' ELSE 'true' END),
      'fingerprint', f.fingerprint,
      'baseline', json(CASE f.known WHEN 0 THEN 'false' ELSE 'true' END)) AS text
    FROM shown f WHERE f.trace_id = t.trace_id ORDER BY f.id) f), '[]')),
  'suppressed', (SELECT count(*) FROM finding_status s WHERE s.trace_id = t.trace_id AND s.suppressed),
  'left_out', (SELECT count(*) FROM finding_status s
               WHERE s.trace_id = t.trace_id AND s.left_out AND NOT s.suppressed))
FROM trace t WHERE t.trace_id = 1;
