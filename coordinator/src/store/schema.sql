-- Version 7 of a run directory's database. Times are milliseconds since the Unix epoch. Ids and digests are binary.
-- Rows name a unit by its number in the table units, in a column `unit`: numbers grow in the order of the plan, so that units that are given
-- out one after the other lie beside each other.
-- A seal is a digest of the table's name and of the row's other columns (but for a payload, which has a digest of its own): a row that
-- changed on the disk does not match it, and is never used. Where a row belongs to a unit, its seal covers the unit's id, too. row_seals.rs
-- says which columns, in which order.

-- Who owns the database: epoch grows by one with every coordinator that opens it, commits with each commit of that one. A coordinator
-- that finds another epoch than its own has been succeeded, and writes nothing.
CREATE TABLE owner (
    -- Of version 7.
    one INTEGER PRIMARY KEY CHECK (one = 1),
    epoch INTEGER NOT NULL,
    commits INTEGER NOT NULL,
    holder TEXT NOT NULL,
    since_ms INTEGER NOT NULL
) STRICT;

-- What the database belongs to: 'study', 'dataset_digest', 'dataset_title'.
CREATE TABLE facts (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    seal BLOB NOT NULL CHECK (length(seal) = 16)
) STRICT, WITHOUT ROWID;

-- Every spec under which the study was run, oldest first.
CREATE TABLE specs (
    number INTEGER PRIMARY KEY,
    started_ms INTEGER NOT NULL,
    text TEXT NOT NULL,
    seal BLOB NOT NULL CHECK (length(seal) = 16)
) STRICT;

-- Every configuration of any unit, once; content is its canonical JSON.
CREATE TABLE configurations (
    number INTEGER PRIMARY KEY,
    content TEXT NOT NULL,
    seal BLOB NOT NULL CHECK (length(seal) = 16)
) STRICT;

-- Every data set of any unit, once: the digest of its encoded file, 64 hexadecimal digits.
CREATE TABLE datasets (
    number INTEGER PRIMARY KEY,
    digest TEXT NOT NULL,
    seal BLOB NOT NULL CHECK (length(seal) = 16)
) STRICT;

-- Every unit that any of these specs named. fold is counted from 0, of so many folds; both are NULL for a unit that is scored on the test
-- pairs. seed is unsigned: one of 2^63 and more stands here less 2^64. configuration and dataset are NULL where the row was found damaged,
-- until a plan names the unit again.
CREATE TABLE units (
    number INTEGER PRIMARY KEY,
    unit_id BLOB NOT NULL UNIQUE CHECK (length(unit_id) = 16),
    configuration INTEGER REFERENCES configurations (number),
    dataset INTEGER REFERENCES datasets (number),
    fold INTEGER,
    folds INTEGER,
    seed INTEGER,
    seal BLOB NOT NULL CHECK (length(seal) = 16)
) STRICT;

-- The same for people who read the database with plain SQL: the id as it is written everywhere else, the configuration as JSON, and the
-- digest of the data set.
CREATE VIEW described_units AS
SELECT
    units.number,
    lower(hex(units.unit_id)) AS unit_id,
    configurations.content ->> '$.model' AS model,
    configurations.content AS configuration,
    datasets.digest AS dataset,
    units.fold,
    units.folds,
    units.seed
FROM units
LEFT JOIN configurations ON configurations.number = units.configuration
LEFT JOIN datasets ON datasets.number = units.dataset;

-- Every worker that ever registered, as it last introduced itself.
CREATE TABLE workers (
    number INTEGER PRIMARY KEY,
    worker_id TEXT NOT NULL UNIQUE,
    registered_ms INTEGER NOT NULL,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    cores INTEGER NOT NULL,
    slots INTEGER NOT NULL,
    device TEXT NOT NULL,
    isa TEXT NOT NULL,
    numerics_class TEXT NOT NULL,
    version TEXT NOT NULL,
    place TEXT NOT NULL
) STRICT;

-- Every attempt that was given out. began: its worker said that training had begun. ending is NULL while it runs, or if the
-- coordinator was killed before it heard. What counts against a unit follows from this table and `retries`: 'error' and
-- 'out-of-memory' are errors, 'crashed', and 'worker-lost' of one that had begun, are deaths.
-- 'damaged': its result was stored, and was damaged there since. worker is NULL where the worker's row was lost.
CREATE TABLE attempts (
    unit INTEGER NOT NULL REFERENCES units (number),
    attempt INTEGER NOT NULL CHECK (attempt >= 1),
    worker INTEGER REFERENCES workers (number),
    started_ms INTEGER NOT NULL,
    began INTEGER NOT NULL DEFAULT 0 CHECK (began IN (0, 1)),
    ended_ms INTEGER,
    ending TEXT CHECK (ending IN
        ('done', 'diverged', 'preempted', 'out-of-time', 'worker-lost', 'crashed', 'out-of-memory', 'error', 'cancelled',
         'duplicate', 'conflict', 'damaged')),
    detail TEXT,
    train_seconds REAL,
    -- How far an earlier attempt had come, where this one went on from its checkpoint; else NULL.
    from_epochs INTEGER,
    from_batches INTEGER,
    PRIMARY KEY (unit, attempt)
) STRICT, WITHOUT ROWID;

-- The one result of a unit. payload is a seedgrid.v1.UnitResult, with the network's outputs for every scored example; digest is its SHA-256. The other columns repeat parts of it for
-- people who read the database with plain SQL.
CREATE TABLE results (
    unit INTEGER PRIMARY KEY REFERENCES units (number),
    attempt INTEGER NOT NULL,
    committed_ms INTEGER NOT NULL,
    numerics_class TEXT NOT NULL,
    ending TEXT NOT NULL CHECK (ending IN ('done', 'diverged')),
    epochs INTEGER NOT NULL,
    wrong INTEGER,
    scored INTEGER,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    seal BLOB NOT NULL CHECK (length(seal) = 16),
    payload BLOB NOT NULL
) STRICT;

-- Results that came after another one had won and differ from it: kept to be looked at, never used.
CREATE TABLE conflicts (
    unit INTEGER NOT NULL REFERENCES units (number),
    attempt INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    numerics_class TEXT NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (unit, attempt)
) STRICT, WITHOUT ROWID;

-- Selections that were made: which of a stage's configurations of a model later stages start from. key is a digest of the rule
-- and the candidates' units; chosen is 0-based among them, NULL if there was none to choose.
CREATE TABLE selections (
    key BLOB PRIMARY KEY CHECK (length(key) = 32),
    stage TEXT NOT NULL,
    model TEXT NOT NULL,
    chosen INTEGER,
    decided_ms INTEGER NOT NULL,
    seal BLOB NOT NULL CHECK (length(seal) = 16)
) STRICT, WITHOUT ROWID;

-- Units that failed for good and were given back to the queue by `seedgrid retry`: errors up to this attempt no longer count.
CREATE TABLE retries (
    unit INTEGER PRIMARY KEY REFERENCES units (number),
    after_attempt INTEGER NOT NULL,
    retried_ms INTEGER NOT NULL,
    seal BLOB NOT NULL CHECK (length(seal) = 16)
) STRICT;

-- Units that people cancelled and did not give back with `seedgrid retry` since. A result that came all the same counts.
CREATE TABLE cancellations (
    unit INTEGER PRIMARY KEY REFERENCES units (number),
    cancelled_ms INTEGER NOT NULL
) STRICT;

-- When the study was paused and why; resumed_ms is NULL while it is.
CREATE TABLE pauses (
    number INTEGER PRIMARY KEY,
    paused_ms INTEGER NOT NULL,
    reason TEXT NOT NULL,
    by_hand INTEGER NOT NULL CHECK (by_hand IN (0, 1)),
    resumed_ms INTEGER
) STRICT;

-- The last lines that a worker logged during an attempt, of the newest attempts of each unit.
CREATE TABLE logs (
    unit INTEGER NOT NULL REFERENCES units (number),
    attempt INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (unit, attempt)
) STRICT, WITHOUT ROWID;

-- Rungs of races that were decided: after how many folds. key is a digest of the rule, the candidates' units, the folds and who was
-- still racing. The seal covers the number of its leavers, too.
CREATE TABLE rungs (
    key BLOB PRIMARY KEY CHECK (length(key) = 32),
    stage TEXT NOT NULL,
    model TEXT NOT NULL,
    folds INTEGER NOT NULL,
    decided_ms INTEGER NOT NULL,
    seal BLOB NOT NULL CHECK (length(seal) = 16)
) STRICT, WITHOUT ROWID;

-- Which of a stage's configurations of a model (0-based) left at a rung: found hopeless, or with a unit that failed.
CREATE TABLE leavers (
    key BLOB NOT NULL REFERENCES rungs (key),
    configuration INTEGER NOT NULL,
    why TEXT NOT NULL CHECK (why IN ('outraced', 'diverged', 'incomplete')),
    seal BLOB NOT NULL CHECK (length(seal) = 16),
    PRIMARY KEY (key, configuration)
) STRICT, WITHOUT ROWID;

-- Weights that were kept, committed with the result that they belong to: SHA-256 and length of weights/UNIT_ID.safetensors.
CREATE TABLE weights (
    unit INTEGER PRIMARY KEY REFERENCES units (number),
    attempt INTEGER NOT NULL,
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    bytes INTEGER NOT NULL,
    seal BLOB NOT NULL CHECK (length(seal) = 16)
) STRICT;

-- The newest state of each unit that was interrupted or is in training: SHA-256 and length of checkpoints/UNIT_ID.safetensors, and how far
-- training had come in all attempts that led there.
CREATE TABLE checkpoints (
    unit INTEGER PRIMARY KEY REFERENCES units (number),
    attempt INTEGER NOT NULL,
    saved_ms INTEGER NOT NULL,
    epochs INTEGER NOT NULL,
    batches INTEGER NOT NULL,
    seconds REAL NOT NULL,
    numerics_class TEXT NOT NULL,
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    bytes INTEGER NOT NULL,
    seal BLOB NOT NULL CHECK (length(seal) = 16)
) STRICT;

-- Units that failed on a worker, in the order of their numbers, since its last result, and nowhere else: what speaks against the worker.
-- outdone: another worker has come to a result since the first of them. Of enough units it is set aside (docs/failures.md).
CREATE TABLE worker_failures (
    worker_id TEXT NOT NULL,
    unit INTEGER NOT NULL REFERENCES units (number),
    number INTEGER NOT NULL,
    outdone INTEGER NOT NULL CHECK (outdone IN (0, 1)),
    detail TEXT NOT NULL,
    PRIMARY KEY (worker_id, unit)
) STRICT, WITHOUT ROWID;

-- Secrets of the run directory's files, as SHA-256 of their text: who shows one may enroll workers (join), steer (admin) or look (view).
CREATE TABLE tokens (
    role TEXT PRIMARY KEY CHECK (role IN ('join', 'admin', 'view')),
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    made_ms INTEGER NOT NULL,
    expires_ms INTEGER
) STRICT, WITHOUT ROWID;

-- Workers that enrolled, with SHA-256 of the secret that each has drawn for itself. A revoked one stays out for good.
CREATE TABLE enrolments (
    worker_id TEXT PRIMARY KEY CHECK (length(worker_id) = 32),
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    enrolled_ms INTEGER NOT NULL,
    revoked_ms INTEGER
) STRICT, WITHOUT ROWID;

-- Rows that were found damaged, moved here to be looked at and never used: their units are trained again, their decisions made again.
-- content is the row as text, blobs in hexadecimal; where it belongs to a unit, after the unit's id.
CREATE TABLE damaged (
    number INTEGER PRIMARY KEY,
    found_ms INTEGER NOT NULL,
    source TEXT NOT NULL,
    what TEXT NOT NULL,
    content TEXT NOT NULL
) STRICT;
