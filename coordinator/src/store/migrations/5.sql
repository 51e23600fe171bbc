-- From version 4 to 5: what speaks against workers.

CREATE TABLE doubts (
    worker_id TEXT NOT NULL,
    unit_id BLOB NOT NULL REFERENCES units (unit_id),
    number INTEGER NOT NULL,
    outdone INTEGER NOT NULL CHECK (outdone IN (0, 1)),
    detail TEXT NOT NULL,
    PRIMARY KEY (worker_id, unit_id)
) STRICT, WITHOUT ROWID;
