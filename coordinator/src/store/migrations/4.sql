-- From version 3 to 4: checkpoints, an owner, seals, a place for damaged rows, more endings of attempts, cancelled units, pauses, logs and
-- credentials. seal() is a function of the program.
-- Foreign keys are off meanwhile, as tables are made anew.

CREATE TABLE owner (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    epoch INTEGER NOT NULL,
    commits INTEGER NOT NULL,
    holder TEXT NOT NULL,
    since_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE checkpoints (
    unit_id BLOB PRIMARY KEY REFERENCES units (unit_id),
    attempt INTEGER NOT NULL,
    saved_ms INTEGER NOT NULL,
    epochs INTEGER NOT NULL,
    batches INTEGER NOT NULL,
    seconds REAL NOT NULL,
    numerics_class TEXT NOT NULL,
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    bytes INTEGER NOT NULL,
    seal BLOB NOT NULL CHECK (length(seal) = 16)
) STRICT, WITHOUT ROWID;

CREATE TABLE damaged (
    number INTEGER PRIMARY KEY,
    found_ms INTEGER NOT NULL,
    source TEXT NOT NULL,
    what TEXT NOT NULL,
    content TEXT NOT NULL
) STRICT;

CREATE TEMP TABLE was AS SELECT * FROM main.facts;
DROP TABLE main.facts;
CREATE TABLE facts (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    seal BLOB NOT NULL CHECK (length(seal) = 16)
) STRICT, WITHOUT ROWID;
INSERT INTO facts SELECT name, value,
    seal('facts', name, value) FROM was;
DROP TABLE was;

CREATE TEMP TABLE was AS SELECT * FROM main.specs;
DROP TABLE main.specs;
CREATE TABLE specs (
    number INTEGER PRIMARY KEY,
    started_ms INTEGER NOT NULL,
    text TEXT NOT NULL,
    seal BLOB NOT NULL CHECK (length(seal) = 16)
) STRICT;
INSERT INTO specs SELECT number, started_ms, text,
    seal('specs', number, started_ms, text) FROM was;
DROP TABLE was;

CREATE TEMP TABLE was AS SELECT * FROM main.units;
DROP TABLE main.units;
CREATE TABLE units (
    unit_id BLOB PRIMARY KEY CHECK (length(unit_id) = 16),
    label TEXT NOT NULL,
    content TEXT NOT NULL,
    seal BLOB NOT NULL CHECK (length(seal) = 16)
) STRICT, WITHOUT ROWID;
INSERT INTO units SELECT unit_id, label, content,
    seal('units', unit_id, label, content) FROM was;
DROP TABLE was;

CREATE TEMP TABLE was AS SELECT * FROM main.attempts;
DROP TABLE main.attempts;
CREATE TABLE attempts (
    unit_id BLOB NOT NULL REFERENCES units (unit_id),
    attempt INTEGER NOT NULL CHECK (attempt >= 1),
    worker_id TEXT NOT NULL,
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
    PRIMARY KEY (unit_id, attempt)
) STRICT, WITHOUT ROWID;
INSERT INTO attempts (unit_id, attempt, worker_id, started_ms, ended_ms, ending, detail, train_seconds)
SELECT unit_id, attempt, worker_id, started_ms, ended_ms, ending, detail, train_seconds FROM was;
DROP TABLE was;

CREATE TEMP TABLE was AS SELECT * FROM main.results;
DROP TABLE main.results;
CREATE TABLE results (
    unit_id BLOB PRIMARY KEY REFERENCES units (unit_id),
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
) STRICT, WITHOUT ROWID;
INSERT INTO results SELECT unit_id, attempt, committed_ms, numerics_class, ending, epochs, wrong, scored, digest,
    seal('results', unit_id, attempt, committed_ms, numerics_class, ending, epochs, wrong, scored, digest), payload FROM was;
DROP TABLE was;

CREATE TEMP TABLE was AS SELECT * FROM main.selections;
DROP TABLE main.selections;
CREATE TABLE selections (
    key BLOB PRIMARY KEY CHECK (length(key) = 32),
    stage TEXT NOT NULL,
    model TEXT NOT NULL,
    chosen INTEGER,
    decided_ms INTEGER NOT NULL,
    seal BLOB NOT NULL CHECK (length(seal) = 16)
) STRICT, WITHOUT ROWID;
INSERT INTO selections SELECT key, stage, model, chosen, decided_ms,
    seal('selections', key, stage, model, chosen, decided_ms) FROM was;
DROP TABLE was;

CREATE TEMP TABLE was AS SELECT * FROM main.retries;
DROP TABLE main.retries;
CREATE TABLE retries (
    unit_id BLOB PRIMARY KEY REFERENCES units (unit_id),
    after_attempt INTEGER NOT NULL,
    retried_ms INTEGER NOT NULL,
    seal BLOB NOT NULL CHECK (length(seal) = 16)
) STRICT, WITHOUT ROWID;
INSERT INTO retries SELECT unit_id, after_attempt, retried_ms,
    seal('retries', unit_id, after_attempt, retried_ms) FROM was;
DROP TABLE was;

CREATE TEMP TABLE was AS SELECT * FROM main.rungs;
DROP TABLE main.rungs;
CREATE TABLE rungs (
    key BLOB PRIMARY KEY CHECK (length(key) = 32),
    stage TEXT NOT NULL,
    model TEXT NOT NULL,
    folds INTEGER NOT NULL,
    decided_ms INTEGER NOT NULL,
    seal BLOB NOT NULL CHECK (length(seal) = 16)
) STRICT, WITHOUT ROWID;
INSERT INTO rungs SELECT key, stage, model, folds, decided_ms,
    seal('rungs', key, stage, model, folds, decided_ms, (SELECT count(*) FROM leavers WHERE leavers.key = was.key)) FROM was;
DROP TABLE was;

CREATE TEMP TABLE was AS SELECT * FROM main.leavers;
DROP TABLE main.leavers;
CREATE TABLE leavers (
    key BLOB NOT NULL REFERENCES rungs (key),
    configuration INTEGER NOT NULL,
    why TEXT NOT NULL CHECK (why IN ('outraced', 'incomplete')),
    seal BLOB NOT NULL CHECK (length(seal) = 16),
    PRIMARY KEY (key, configuration)
) STRICT, WITHOUT ROWID;
INSERT INTO leavers SELECT key, configuration, why,
    seal('leavers', key, configuration, why) FROM was;
DROP TABLE was;

CREATE TEMP TABLE was AS SELECT * FROM main.weights;
DROP TABLE main.weights;
CREATE TABLE weights (
    unit_id BLOB PRIMARY KEY REFERENCES units (unit_id),
    attempt INTEGER NOT NULL,
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    bytes INTEGER NOT NULL,
    seal BLOB NOT NULL CHECK (length(seal) = 16)
) STRICT, WITHOUT ROWID;
INSERT INTO weights SELECT unit_id, attempt, sha256, bytes,
    seal('weights', unit_id, attempt, sha256, bytes) FROM was;
DROP TABLE was;

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
