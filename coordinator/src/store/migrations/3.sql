-- From version 2 to 3: races.

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
