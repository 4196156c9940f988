-- SPDX-License-Identifier: MIT
--
-- Temporary tables for the page: what is asked for more than once.
DROP TABLE IF EXISTS temp.site_level;
CREATE TEMP TABLE site_level(
  site INTEGER NOT NULL,
  part INTEGER NOT NULL, -- of the run, 0 to 59
  top  INTEGER NOT NULL, -- most alive at once in it
  step INTEGER NOT NULL, -- by how many more there were after it
  PRIMARY KEY (site, part)
) STRICT, WITHOUT ROWID;
DROP TABLE IF EXISTS temp.site_life;
CREATE TEMP TABLE site_life(
  site   INTEGER PRIMARY KEY,
  p99_ns INTEGER NOT NULL -- 99 % of those that ended lived no longer
) STRICT;
DROP TABLE IF EXISTS temp.candidate;
CREATE TEMP TABLE candidate(object INTEGER PRIMARY KEY) STRICT;
DROP TABLE IF EXISTS temp.listed;
CREATE TEMP TABLE listed(
  object INTEGER PRIMARY KEY,
  type   TEXT    NOT NULL, -- 'chan' or 'lock'
  place  INTEGER NOT NULL  -- 1: the worst
) STRICT;
DROP TABLE IF EXISTS temp.lane;
CREATE TEMP TABLE lane(
  g    INTEGER PRIMARY KEY,
  lane INTEGER NOT NULL    -- 0: the uppermost
) STRICT;
DROP TABLE IF EXISTS temp.wait_object;
CREATE TEMP TABLE wait_object(
  id     INTEGER NOT NULL, -- of a finding
  object INTEGER NOT NULL,
  node   INTEGER NOT NULL, -- an object, in whose place it is drawn
  PRIMARY KEY (id, object)
) STRICT, WITHOUT ROWID;
CREATE INDEX temp.wait_object_node ON wait_object(id, node);
DROP TABLE IF EXISTS temp.wait_node;
CREATE TEMP TABLE wait_node(
  id     INTEGER NOT NULL, -- of a finding
  g      INTEGER NOT NULL,
  node   INTEGER NOT NULL, -- a goroutine, in whose place it is drawn
  wanted INTEGER NOT NULL, -- 1: somebody waits for it
  PRIMARY KEY (id, g)
) STRICT, WITHOUT ROWID;
