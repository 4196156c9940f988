#!/bin/sh
# SPDX-License-Identifier: MIT
# postgres.sh DB [EXTENSION]: a trace.db as a script for psql: its tables, their rows, its views.  The intervals of a
# long trace need the EXTENSION of sqlite3, lib/gtrace/gtrace.
#
# The detectors count on byte order of texts, hence the locale C:
#     createdb --template=template0 --encoding=UTF8 --locale=C trace
#     sh docs/examples/postgres.sh run.report/trace.db | psql -q -v ON_ERROR_STOP=1 trace
#     psql -v ON_ERROR_STOP=1 -f analyzer/sql/detect/leak.sql trace
set -eu
[ $# -ge 1 ] && [ -r "$1" ] || { echo 'usage: postgres.sh DB [EXTENSION]' >&2; exit 2; }

# What is printed first is SQL that prints the script: the columns of each table are the database's to tell.
script=$(sqlite3 -readonly -list ${2:+-cmd ".load $2"} "$1" <<'END'
SELECT 'SELECT ' || quote('CREATE TABLE "' || t.name || '"(' || (
         SELECT group_concat('"' || c.name || '" ' || CASE c.type WHEN 'INTEGER' THEN 'bigint' ELSE 'text' END ||
                             CASE c."notnull" WHEN 1 THEN ' NOT NULL' ELSE '' END, ', ')
         FROM pragma_table_info(t.name) c) || ', PRIMARY KEY (' || (
         SELECT group_concat('"' || k.name || '"', ', ')
         FROM (SELECT name FROM pragma_table_info(t.name) WHERE pk > 0 ORDER BY pk) k) ||
       '));' || char(10) || 'COPY "' || t.name || '" FROM stdin;') || ';' || char(10) ||
       'SELECT ' || (
         SELECT group_concat('coalesce(' || CASE c.type
                  WHEN 'INTEGER' THEN '"' || c.name || '"'
                  ELSE 'replace(replace(replace(replace("' || c.name || '", ''\'', ''\\''), char(9), ''\t''), ' ||
                       'char(10), ''\n''), char(13), ''\r'')' END || ', ''\N'')', ' || char(9) || ')
         FROM pragma_table_info(t.name) c) || ' FROM "' || t.name || '";' || char(10) ||
       'SELECT ''\.'';'
FROM sqlite_schema t
WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name NOT IN ('interval_block', 'use_block', 'hold_block')
ORDER BY t.rowid;
SELECT 'SELECT ' || quote(v.sql || ';') || ';' FROM sqlite_schema v WHERE v.type = 'view' ORDER BY v.rowid;
END
)
echo 'BEGIN;'
printf '%s\n' "$script" | sqlite3 -readonly -list ${2:+-cmd ".load $2"} "$1"
echo 'COMMIT; ANALYZE;'
