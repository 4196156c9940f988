-- SPDX-License-Identifier: MIT
--
-- Every table as CSV, and the scripts that make and load them elsewhere.  A text is always in quotes, a
-- NULL is nothing at all.

-- @tables
-- Name, and the query for its rows.
SELECT m.name, printf('SELECT * FROM "%w"', m.name)
FROM sqlite_schema m
WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite!_%' ESCAPE '!' AND m.name NOT IN ('interval_block', 'use_block', 'hold_block')
ORDER BY m.name;

-- @script
-- For the kind of database ?1: a table, and its rows.
WITH dialect(kind, number, text, must, may, tail, load) AS (VALUES
  ('postgresql', 'bigint', 'text', '%s NOT NULL', '%s', ',
  PRIMARY KEY (%s)
);', '\copy "%w" FROM ''%w.csv'' WITH (FORMAT csv, HEADER true, NULL '''')'),
  ('duckdb', 'BIGINT', 'VARCHAR', '%s NOT NULL', '%s', ',
  PRIMARY KEY (%s)
);', 'COPY "%w" FROM ''%w.csv'' (FORMAT csv, HEADER true, NULLSTR '''', ALLOW_QUOTED_NULLS false);'),
  ('clickhouse', 'Int64', 'String', '%s', 'Nullable(%s)', '
) ENGINE = MergeTree ORDER BY (%s);', 'INSERT INTO "%w" FROM INFILE ''%w.csv'' FORMAT CSVWithNames;'))
SELECT printf('CREATE TABLE "%w"(', m.name) ||
       (SELECT group_concat(printf('
  "%w" ' || CASE WHEN p."notnull" OR p.pk THEN d.must ELSE d.may END, p.name,
                                   CASE p.type WHEN 'INTEGER' THEN d.number ELSE d.text END))
        FROM pragma_table_info(m.name) p) ||
       printf(d.tail, (SELECT group_concat(printf('"%w"', k.name), ', ')
                       FROM (SELECT name FROM pragma_table_info(m.name) WHERE pk > 0 ORDER BY pk) k)) || '
' ||
       printf(d.load, m.name, m.name)
FROM sqlite_schema m, dialect d
WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite!_%' ESCAPE '!' AND m.name NOT IN ('interval_block', 'use_block', 'hold_block') AND d.kind = ?1
ORDER BY m.name;
