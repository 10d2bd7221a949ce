-- Uploads and the files behind them. A file is stored once however often it is uploaded; its name is its hash.

CREATE TABLE media_files (
    sha256 {bytes} PRIMARY KEY,
    size_bytes BIGINT NOT NULL,
    created_ms BIGINT NOT NULL
){clustered};

CREATE TABLE media (
    media_id TEXT PRIMARY KEY,
    user_no BIGINT NOT NULL,
    sha256 {bytes},                    -- null: reserved, not uploaded yet
    content_type TEXT NOT NULL,
    file_name TEXT,
    size_bytes BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT                  -- of a reservation
){clustered};
CREATE INDEX media_user ON media (user_no, created_ms);
CREATE INDEX media_expiry ON media (expires_ms);
CREATE INDEX media_file ON media (sha256);

-- What each user's uploads add up to, equal files counted each time.
CREATE TABLE media_usage (
    user_no {key},
    size_bytes BIGINT NOT NULL,
    uploads BIGINT NOT NULL
);
