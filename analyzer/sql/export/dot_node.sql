-- SPDX-License-Identifier: MIT
--
-- For dot.sql.
DROP TABLE IF EXISTS temp.dot_node;
CREATE TEMP TABLE dot_node(
  g    INTEGER PRIMARY KEY,
  node INTEGER NOT NULL -- a goroutine, in whose place it is drawn
) STRICT;
