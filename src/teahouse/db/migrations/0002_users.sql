-- Accounts, their devices and tokens, and what they keep with us.

CREATE TABLE users (
    user_no {key},
    localpart TEXT NOT NULL UNIQUE,
    password TEXT,                     -- argon2id; NULL for an account that cannot log in by password
    admin BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    closed_ms BIGINT,                  -- when the account was deactivated
    closed_reason TEXT                 -- the statement given to its owner when staff closed it
);

CREATE TABLE profiles (
    user_no BIGINT NOT NULL,
    name TEXT NOT NULL,
    value {bytes} NOT NULL,            -- JSON
    PRIMARY KEY (user_no, name)
){clustered};

CREATE TABLE devices (
    user_no BIGINT NOT NULL,
    device_id TEXT NOT NULL,
    display_name TEXT,
    created_ms BIGINT NOT NULL,
    seen_ms BIGINT,
    seen_ip TEXT,
    PRIMARY KEY (user_no, device_id)
){clustered};

-- Tokens are kept as SHA-256 only. A refreshed pair leaves its refresh token valid until the new one is used.
CREATE TABLE access_tokens (
    token_hash {bytes} PRIMARY KEY,
    user_no BIGINT NOT NULL,
    device_id TEXT NOT NULL,
    expires_ms BIGINT
){clustered};
CREATE INDEX access_tokens_device ON access_tokens (user_no, device_id);

CREATE TABLE refresh_tokens (
    token_hash {bytes} PRIMARY KEY,
    user_no BIGINT NOT NULL,
    device_id TEXT NOT NULL,
    successor {bytes}                  -- hash of the refresh token given out in exchange for this one
){clustered};
CREATE INDEX refresh_tokens_device ON refresh_tokens (user_no, device_id);

CREATE TABLE login_tokens (
    token_hash {bytes} PRIMARY KEY,
    user_no BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL
){clustered};

CREATE TABLE registration_tokens (
    token TEXT PRIMARY KEY,
    uses_allowed BIGINT,
    uses BIGINT NOT NULL,
    expires_ms BIGINT,
    makes_admin BIGINT NOT NULL,
    created_ms BIGINT NOT NULL
);

-- User-interactive authentication under way. request: SHA-256 of what is being authenticated.
CREATE TABLE uia_sessions (
    session TEXT PRIMARY KEY,
    request {bytes} NOT NULL,
    user_no BIGINT NOT NULL,           -- who proves to be themselves; 0: somebody without an account yet
    stages TEXT NOT NULL,              -- stages of all flows, separated by spaces
    completed TEXT NOT NULL,           -- stages done, separated by spaces
    registration_token TEXT,           -- the one that was accepted and waits to be used
    created_ms BIGINT NOT NULL
);
CREATE INDEX uia_sessions_created ON uia_sessions (created_ms);
CREATE INDEX uia_sessions_token ON uia_sessions (registration_token);

CREATE TABLE account_data (
    user_no BIGINT NOT NULL,
    room_no BIGINT NOT NULL,           -- 0: the user's own
    type TEXT NOT NULL,
    content {bytes} NOT NULL,
    pos BIGINT NOT NULL,
    PRIMARY KEY (user_no, room_no, type)
){clustered};
CREATE INDEX account_data_pos ON account_data (user_no, pos);

CREATE TABLE filters (
    user_no BIGINT NOT NULL,
    filter_no BIGINT NOT NULL,
    filter {bytes} NOT NULL,
    PRIMARY KEY (user_no, filter_no)
){clustered};

-- What staff did to accounts, for the register.
CREATE TABLE staff_actions (
    action_no {key},
    done_ms BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    reason TEXT NOT NULL
);
