-- Public keys of devices and users, key backups, and the inboxes of devices. Everything is keyed by its owner, so that
-- it lives in the owner's bucket. Positions (pos) come from the writer.

CREATE TABLE device_keys (
    user_no BIGINT NOT NULL,
    device_id TEXT NOT NULL,
    keys {bytes} NOT NULL,             -- as uploaded, without unsigned
    PRIMARY KEY (user_no, device_id)
){clustered};

-- In the order of uploads, which is the order of claims.
CREATE TABLE one_time_keys (
    user_no BIGINT NOT NULL,
    device_id TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    pos BIGINT NOT NULL,
    key_id TEXT NOT NULL,
    key {bytes} NOT NULL,
    PRIMARY KEY (user_no, device_id, algorithm, pos, key_id)
){clustered};

-- The newest keys that were handed out, so that a repeated upload does not bring one back. digest: see signing.py.
CREATE TABLE claimed_keys (
    user_no BIGINT NOT NULL,
    device_id TEXT NOT NULL,
    digest {bytes} NOT NULL,
    pos BIGINT NOT NULL,
    PRIMARY KEY (user_no, device_id, digest)
){clustered};

CREATE TABLE fallback_keys (
    user_no BIGINT NOT NULL,
    device_id TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    key_id TEXT NOT NULL,
    key {bytes} NOT NULL,
    used BIGINT NOT NULL,
    PRIMARY KEY (user_no, device_id, algorithm)
){clustered};

CREATE TABLE cross_signing_keys (
    user_no BIGINT NOT NULL,
    usage TEXT NOT NULL,               -- master, self_signing, user_signing
    public_key TEXT NOT NULL,
    key {bytes} NOT NULL,
    PRIMARY KEY (user_no, usage)
){clustered};

-- Signatures that came after the upload of what they sign. signed_key: a device id or the master public key.
CREATE TABLE key_signatures (
    user_no BIGINT NOT NULL,
    signed_key TEXT NOT NULL,
    signer_no BIGINT NOT NULL,
    signer_key TEXT NOT NULL,          -- 'ed25519:…'
    signature TEXT NOT NULL,
    PRIMARY KEY (user_no, signed_key, signer_no, signer_key)
){clustered};
CREATE INDEX key_signatures_signer ON key_signatures (signer_no, signer_key);

-- Whose keys changed, and when last. seen_by 0: everyone who shares an encrypted room; else that one user alone.
CREATE TABLE device_list_changes (
    user_no BIGINT NOT NULL,
    seen_by BIGINT NOT NULL,
    pos BIGINT NOT NULL,
    PRIMARY KEY (user_no, seen_by)
){clustered};
CREATE INDEX device_list_changes_pos ON device_list_changes (seen_by, pos);

CREATE TABLE inbox (
    user_no BIGINT NOT NULL,
    device_id TEXT NOT NULL,
    pos BIGINT NOT NULL,
    message {bytes} NOT NULL,          -- JSON with content, sender, type
    PRIMARY KEY (user_no, device_id, pos)
){clustered};

-- Devices whose inbox was full: what they missed, since when.
CREATE TABLE stale_inboxes (
    user_no BIGINT NOT NULL,
    device_id TEXT NOT NULL,
    first_pos BIGINT NOT NULL,
    missed BIGINT NOT NULL,
    PRIMARY KEY (user_no, device_id)
){clustered};

CREATE TABLE inbox_txns (
    user_no BIGINT NOT NULL,
    device_id TEXT NOT NULL,           -- of the sender
    type TEXT NOT NULL,
    txn_id TEXT NOT NULL,
    pos BIGINT NOT NULL,
    PRIMARY KEY (user_no, device_id, type, txn_id)
){clustered};
CREATE INDEX inbox_txns_pos ON inbox_txns (user_no, device_id, pos);

CREATE TABLE backup_versions (
    user_no BIGINT NOT NULL,
    version BIGINT NOT NULL,
    algorithm TEXT NOT NULL,
    auth_data {bytes} NOT NULL,
    etag BIGINT NOT NULL,
    count BIGINT NOT NULL,
    deleted BIGINT NOT NULL,           -- 1: gone, remembered so that its number is never given again
    PRIMARY KEY (user_no, version)
){clustered};

CREATE TABLE backup_keys (
    user_no BIGINT NOT NULL,
    version BIGINT NOT NULL,
    room_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    first_message_index BIGINT NOT NULL,
    forwarded_count BIGINT NOT NULL,
    is_verified BIGINT NOT NULL,
    session_data {bytes} NOT NULL,
    PRIMARY KEY (user_no, version, room_id, session_id)
){clustered};
