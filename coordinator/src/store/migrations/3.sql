-- From version 2 to 3: races, retries and kept weights.

CREATE TABLE rungs (
    key BLOB PRIMARY KEY CHECK (length(key) = 32),
    stage TEXT NOT NULL,
    model TEXT NOT NULL,
    folds INTEGER NOT NULL,
    decided_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE leavers (
    key BLOB NOT NULL REFERENCES rungs (key),
    configuration INTEGER NOT NULL,
    why TEXT NOT NULL CHECK (why IN ('outraced', 'incomplete')),
    PRIMARY KEY (key, configuration)
) STRICT, WITHOUT ROWID;

CREATE TABLE retries (
    unit_id BLOB PRIMARY KEY REFERENCES units (unit_id),
    after_attempt INTEGER NOT NULL,
    retried_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE weights (
    unit_id BLOB PRIMARY KEY REFERENCES units (unit_id),
    attempt INTEGER NOT NULL,
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
