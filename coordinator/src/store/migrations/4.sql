-- From version 3 to 4: credentials.

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
