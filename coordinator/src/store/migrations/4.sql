-- From version 3 to 4: endings are told apart, what began and from where is known, units are cancelled, studies paused, logs, checkpoints
-- and credentials kept. SQLite changes a table's conditions by making it again.

ALTER TABLE attempts RENAME TO attempts_3;

CREATE TABLE attempts (
    unit_id BLOB NOT NULL REFERENCES units (unit_id),
    attempt INTEGER NOT NULL CHECK (attempt >= 1),
    worker_id TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    began INTEGER NOT NULL DEFAULT 0 CHECK (began IN (0, 1)),
    ended_ms INTEGER,
    ending TEXT CHECK (ending IN
        ('done', 'diverged', 'preempted', 'out-of-time', 'worker-lost', 'crashed', 'out-of-memory', 'error', 'cancelled',
         'duplicate', 'conflict')),
    detail TEXT,
    train_seconds REAL,
    -- How far an earlier attempt had come, where this one went on from its checkpoint; else NULL.
    from_epochs INTEGER,
    from_batches INTEGER,
    PRIMARY KEY (unit_id, attempt)
) STRICT, WITHOUT ROWID;

INSERT INTO attempts (unit_id, attempt, worker_id, started_ms, ended_ms, ending, detail, train_seconds)
SELECT unit_id, attempt, worker_id, started_ms, ended_ms, ending, detail, train_seconds FROM attempts_3;

DROP TABLE attempts_3;

CREATE TABLE cancellations (
    unit_id BLOB PRIMARY KEY REFERENCES units (unit_id),
    cancelled_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE pauses (
    number INTEGER PRIMARY KEY,
    paused_ms INTEGER NOT NULL,
    reason TEXT NOT NULL,
    by_hand INTEGER NOT NULL CHECK (by_hand IN (0, 1)),
    resumed_ms INTEGER
) STRICT;

CREATE TABLE logs (
    unit_id BLOB NOT NULL REFERENCES units (unit_id),
    attempt INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (unit_id, attempt)
) STRICT, WITHOUT ROWID;

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

CREATE TABLE tokens (
    role TEXT PRIMARY KEY CHECK (role IN ('join', 'admin', 'view')),
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    made_ms INTEGER NOT NULL,
    expires_ms INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE enrolments (
    worker_id TEXT PRIMARY KEY CHECK (length(worker_id) = 32),
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    enrolled_ms INTEGER NOT NULL,
    revoked_ms INTEGER
) STRICT, WITHOUT ROWID;
