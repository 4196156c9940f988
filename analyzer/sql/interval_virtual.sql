-- SPDX-License-Identifier: MIT
--
-- Of a long trace: the packed intervals as they are, with the columns of the table that schema.sql makes.

DROP TABLE interval;
CREATE VIRTUAL TABLE interval USING gtrace_interval;
