-- SPDX-License-Identifier: MIT
--
-- Of a short trace: the packed intervals as rows, for any program that can read SQLite.

CREATE VIRTUAL TABLE interval_packed USING gtrace_interval;
INSERT INTO interval SELECT * FROM interval_packed;
DROP TABLE interval_packed;
DELETE FROM interval_block;
