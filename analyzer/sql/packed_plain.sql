-- SPDX-License-Identifier: MIT
--
-- Of a short trace: what is packed as rows, for any program that can read SQLite.

CREATE VIRTUAL TABLE interval_packed USING gtrace_interval;
INSERT INTO interval SELECT * FROM interval_packed;
DROP TABLE interval_packed;
DELETE FROM interval_block;

CREATE VIRTUAL TABLE use_packed USING gtrace_use;
INSERT INTO use SELECT * FROM use_packed;
DROP TABLE use_packed;
DELETE FROM use_block;

CREATE VIRTUAL TABLE hold_packed USING gtrace_hold;
INSERT INTO hold SELECT * FROM hold_packed;
DROP TABLE hold_packed;
DELETE FROM hold_block;
