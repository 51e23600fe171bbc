-- Weights that were kept, committed with the result that they belong to: SHA-256 and length of weights/UNIT_ID.safetensors.
CREATE TABLE IF NOT EXISTS weights (
    unit_id BLOB PRIMARY KEY REFERENCES units (unit_id),
    attempt INTEGER NOT NULL,
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
