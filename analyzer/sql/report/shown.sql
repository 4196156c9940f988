-- SPDX-License-Identifier: MIT
--
-- What the reports for machines print: the findings, and the kinds that were looked for.

-- @findings
SELECT f.id, f.kind, f.certainty, f.severity, f.title, f.why, f.hint, f.count, f.since_ns,
       f.blocked_file, f.blocked_line, f.blocked_func, f.blocked_text,
       f.born_file, f.born_line, f.born_func, f.born_text,
       (SELECT group_concat(o.text, '; ') FROM (
          SELECT DISTINCT n.type || ' "' || n.name || '"' || coalesce(
                   ' made at ' || n.made_file || ':' || n.made_line, '') AS text
          FROM finding_object b
          JOIN object_name n ON n.trace_id = b.trace_id AND n.object = b.object
          WHERE b.trace_id = f.trace_id AND b.kind = f.kind AND b.part = f.part
          ORDER BY b.object LIMIT 8) o) AS objects,
       (SELECT group_concat(m.g, ' ') FROM (
          SELECT g FROM finding_goroutine
          WHERE trace_id = f.trace_id AND kind = f.kind AND part = f.part ORDER BY g LIMIT 8) m)
         || CASE WHEN f.count > 8 THEN ' (+' || (f.count - 8) || ')' ELSE '' END AS goroutines,
       f.fingerprint, f.counts, f.known
FROM shown f
WHERE f.trace_id = 1
ORDER BY f.id;

-- @kinds
-- The detectors' kinds are ?1, a JSON list; rules of the user's may have found others.
SELECT k.kind, t.text
FROM (SELECT value AS kind FROM json_each(?1) UNION SELECT kind FROM shown WHERE trace_id = 1) k
LEFT JOIN finding_kind t ON t.kind = k.kind
ORDER BY k.kind;

-- @trace
SELECT t.file, coalesce(t.program, '?'), t.duration_ns,
       CASE WHEN t.start_wall_ns > 0
            THEN strftime('%Y-%m-%dT%H:%M:%S', t.start_wall_ns / 1000000000, 'unixepoch') END,
       t.older + t.started, t.ended, t.peak, t.events, t.lost_events, t.end, t.partial
FROM trace t WHERE t.trace_id = 1;
