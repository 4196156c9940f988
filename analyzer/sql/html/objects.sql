-- SPDX-License-Identifier: MIT
--
-- The first objects of a finding: what each is, where it was made, who holds it; those made at one place and
-- held by nobody, or by one goroutine, are one row.
SELECT min(fo.object), n.type, n.name, n.made_file, n.made_line, n.made_func, fo.holder, count(*)
FROM finding_object fo
LEFT JOIN object_name n ON n.trace_id = fo.trace_id AND n.object = fo.object
WHERE fo.trace_id = (SELECT min(trace_id) FROM trace) AND fo.kind = :kind AND fo.part = :part
GROUP BY n.type, n.name, n.made_file, n.made_line, n.made_func, fo.holder
ORDER BY min(fo.object)
LIMIT 12;
