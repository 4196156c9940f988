-- SPDX-License-Identifier: MIT
--
-- Of a long trace: what is packed as it is, with the columns of the tables that schema.sql makes.

DROP TABLE interval;
CREATE VIRTUAL TABLE interval USING gtrace_interval;
DROP TABLE use;
CREATE VIRTUAL TABLE use USING gtrace_use;
DROP TABLE hold;
CREATE VIRTUAL TABLE hold USING gtrace_hold;
