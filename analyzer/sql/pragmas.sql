-- SPDX-License-Identifier: MIT
--
-- For a database that is made anew from a trace: if we crash, it is made again.  What does not fit into
-- the cache goes to files, temporary tables and sorting too: memory does not grow with the trace.
PRAGMA page_size = 8192;
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA cache_size = -24576;
PRAGMA temp_store = FILE;
