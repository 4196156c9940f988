-- SPDX-License-Identifier: MIT
--
-- Both traces side by side, in memory.  Side 0 is A, side 1 is B.

CREATE TABLE trace(
  side        INTEGER PRIMARY KEY,
  file        TEXT,
  program     TEXT,
  duration_ns INTEGER,
  started     INTEGER,
  peak        INTEGER,
  at_end      INTEGER,
  partial     INTEGER
);

CREATE TABLE site(
  side     INTEGER NOT NULL,
  file     TEXT    NOT NULL,
  func     TEXT    NOT NULL,
  text     TEXT    NOT NULL,
  line     INTEGER NOT NULL,
  started  INTEGER NOT NULL,
  peak     INTEGER NOT NULL,
  at_end   INTEGER NOT NULL,
  growth   INTEGER NOT NULL,
  wait_ns  INTEGER NOT NULL,
  delay_ns INTEGER NOT NULL,
  PRIMARY KEY (side, file, func, text)
) WITHOUT ROWID;

-- One row for all findings of a fingerprint.
CREATE TABLE found(
  side        INTEGER NOT NULL,
  fingerprint TEXT    NOT NULL,
  kind        TEXT    NOT NULL,
  title       TEXT    NOT NULL,
  file        TEXT    NOT NULL,
  line        INTEGER NOT NULL,
  PRIMARY KEY (side, fingerprint)
);

-- What a change has to exceed to be one.
CREATE TABLE noise(
  share     REAL    NOT NULL, -- of A's
  min_count INTEGER NOT NULL, -- goroutines
  min_ns    INTEGER NOT NULL
);

-- Each measure of each site.  A site that is new has no times to compare.
CREATE VIEW measure AS
SELECT k.file, k.func, k.text, coalesce(b.line, a.line) AS line, m.name, m.n,
       CASE m.n WHEN 1 THEN coalesce(a.peak, 0) WHEN 2 THEN coalesce(a.at_end, 0)
                WHEN 3 THEN coalesce(a.growth, 0) WHEN 4 THEN a.wait_ns ELSE a.delay_ns END AS a,
       CASE m.n WHEN 1 THEN coalesce(b.peak, 0) WHEN 2 THEN coalesce(b.at_end, 0)
                WHEN 3 THEN coalesce(b.growth, 0) WHEN 4 THEN b.wait_ns ELSE b.delay_ns END AS b,
       CASE WHEN m.n <= 3 THEN noise.min_count ELSE noise.min_ns END AS least
FROM (SELECT DISTINCT file, func, text FROM site) k
JOIN (SELECT 1 AS n, 'peak' AS name UNION ALL SELECT 2, 'at_end' UNION ALL SELECT 3, 'growth'
      UNION ALL SELECT 4, 'wait_ns' UNION ALL SELECT 5, 'delay_ns') m
JOIN noise
LEFT JOIN site a ON a.side = 0 AND a.file = k.file AND a.func = k.func AND a.text = k.text
LEFT JOIN site b ON b.side = 1 AND b.file = k.file AND b.func = k.func AND b.text = k.text;

-- Those that changed by more than noise, with how many times A's, or of the least that is one.
CREATE VIEW change AS
SELECT m.file, m.func, m.text, m.line, m.name, m.n, m.a, m.b, m.b > m.a AS worse,
       abs(m.b - m.a) * 1.0 / max(abs(m.a), m.least, 1) AS size
FROM measure m
JOIN noise
WHERE m.a <> m.b AND abs(m.b - m.a) >= m.least AND abs(m.b - m.a) > noise.share * abs(m.a);

-- Findings of one side only.
CREATE VIEW only AS
SELECT f.* FROM found f
WHERE NOT EXISTS (SELECT 1 FROM found o WHERE o.side <> f.side AND o.fingerprint = f.fingerprint);
