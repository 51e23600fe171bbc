-- From version 3 to 4: checkpoints. SQLite changes a table's columns by making it again.

CREATE TABLE attempts_4 (
    unit_id BLOB NOT NULL REFERENCES units (unit_id),
    attempt INTEGER NOT NULL CHECK (attempt >= 1),
    worker_id TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    ended_ms INTEGER,
    ending TEXT CHECK (ending IN
        ('done', 'diverged', 'preempted', 'out-of-time', 'worker-lost', 'error', 'cancelled', 'duplicate', 'conflict')),
    detail TEXT,
    train_seconds REAL,
    -- How far an earlier attempt had come, where this one went on from its checkpoint; else NULL.
    from_epochs INTEGER,
    from_batches INTEGER,
    PRIMARY KEY (unit_id, attempt)
) STRICT, WITHOUT ROWID;

INSERT INTO attempts_4 (unit_id, attempt, worker_id, started_ms, ended_ms, ending, detail, train_seconds)
SELECT unit_id, attempt, worker_id, started_ms, ended_ms, ending, detail, train_seconds FROM attempts;
DROP TABLE attempts;
ALTER TABLE attempts_4 RENAME TO attempts;

CREATE TABLE checkpoints (
    unit_id BLOB PRIMARY KEY REFERENCES units (unit_id),
    attempt INTEGER NOT NULL,
    saved_ms INTEGER NOT NULL,
    epochs INTEGER NOT NULL,
    batches INTEGER NOT NULL,
    seconds REAL NOT NULL,
    numerics_class TEXT NOT NULL,
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
