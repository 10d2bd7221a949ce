-- The event log and what is derived from it. {…} are the few words in which the engines differ.
-- Numbers: room_no and user_no are (position << 10 | bucket): a row's bucket is its key's low ten bits.

CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- A life of the log; a restore begins a new one at first_pos.
CREATE TABLE epochs (
    epoch BIGINT PRIMARY KEY,
    first_pos BIGINT NOT NULL,
    started_ms BIGINT NOT NULL
);

-- The lease on a group of buckets. Embedded: the one shard 0 holds all.
CREATE TABLE shards (
    shard BIGINT PRIMARY KEY,
    first_bucket BIGINT NOT NULL,
    last_bucket BIGINT NOT NULL,
    owner TEXT NOT NULL,
    fence BIGINT NOT NULL,
    lease_until_ms BIGINT NOT NULL,
    next_pos BIGINT NOT NULL
);

CREATE TABLE rooms (
    room_no {key},
    version TEXT NOT NULL,
    creator_no BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    listed BIGINT NOT NULL,            -- 1: in the public directory
    joined_count BIGINT NOT NULL,
    about TEXT NOT NULL                -- name, alias and topic, case-folded: what the directory's search looks in
);
CREATE INDEX rooms_listed ON rooms (listed, joined_count, room_no);

-- event: JSON with event_id, without room_id and unsigned. class: see eventlog/types.py.
CREATE TABLE events (
    pos {key},
    room_no BIGINT NOT NULL,
    sender_no BIGINT NOT NULL,
    class BIGINT NOT NULL,
    thread_pos BIGINT,                 -- root of the thread it is in
    redacted_pos BIGINT,               -- the redaction that emptied it
    replaces_pos BIGINT,               -- the state event it took the place of
    txn TEXT,                          -- 'device_id txn_id' of the sending device, echoed to it alone
    event {bytes} NOT NULL
);
CREATE INDEX events_room ON events (room_no, pos);
CREATE INDEX events_unread ON events (room_no, pos) WHERE (class & 33) <> 0;  -- NOTIFIES or MENTIONS

-- Every state event ever; the state at a position is the newest row of each key at or below it.
CREATE TABLE state (
    room_no BIGINT NOT NULL,
    type TEXT NOT NULL,
    state_key TEXT NOT NULL,
    pos BIGINT NOT NULL,
    value TEXT,                        -- membership or history_visibility, so that visibility needs no decoding
    PRIMARY KEY (room_no, type, state_key, pos)
){clustered};

CREATE TABLE memberships (
    user_no BIGINT NOT NULL,
    room_no BIGINT NOT NULL,
    membership TEXT NOT NULL,
    pos BIGINT NOT NULL,               -- of the member event
    sender_no BIGINT NOT NULL,
    forgotten BIGINT NOT NULL,         -- 1: dropped from the user's lists
    refused_pos BIGINT NOT NULL,       -- where the user silently refused the invite; 0: did not
    PRIMARY KEY (user_no, room_no)
){clustered};
CREATE INDEX memberships_room ON memberships (room_no, membership);

CREATE TABLE relations (
    room_no BIGINT NOT NULL,
    parent_pos BIGINT NOT NULL,
    pos BIGINT NOT NULL,
    rel_type TEXT NOT NULL,
    type TEXT NOT NULL,
    sender_no BIGINT NOT NULL,
    key TEXT,                          -- of an annotation
    PRIMARY KEY (room_no, parent_pos, pos)
){clustered};

CREATE TABLE txns (
    user_no BIGINT NOT NULL,
    device_id TEXT NOT NULL,
    scope BIGINT NOT NULL,             -- the room, or 0
    method TEXT NOT NULL,              -- send, redact, …
    txn_id TEXT NOT NULL,
    pos BIGINT NOT NULL,
    PRIMARY KEY (user_no, device_id, scope, method, txn_id)
){clustered};

-- pos 0: acknowledged, not yet shown to others (shown together with its room's next ones).
CREATE TABLE receipts (
    room_no BIGINT NOT NULL,
    user_no BIGINT NOT NULL,
    thread TEXT NOT NULL,              -- '' unthreaded, 'main', or the root's event id
    kind TEXT NOT NULL,
    event_pos BIGINT NOT NULL,
    ts_ms BIGINT NOT NULL,
    pos BIGINT NOT NULL,
    PRIMARY KEY (room_no, user_no, thread, kind)
){clustered};
CREATE INDEX receipts_pos ON receipts (room_no, pos);
CREATE INDEX receipts_waiting ON receipts (room_no) WHERE pos = 0 AND kind <> 'sent';

CREATE TABLE mentions (
    user_no BIGINT NOT NULL,
    room_no BIGINT NOT NULL,
    pos BIGINT NOT NULL,
    PRIMARY KEY (user_no, room_no, pos)
){clustered};

CREATE TABLE aliases (
    alias TEXT PRIMARY KEY,
    room_no BIGINT NOT NULL,
    creator_no BIGINT NOT NULL
);
CREATE INDEX aliases_room ON aliases (room_no);

INSERT INTO epochs (epoch, first_pos, started_ms) VALUES (1, 1, 0);
INSERT INTO shards (shard, first_bucket, last_bucket, owner, fence, lease_until_ms, next_pos)
VALUES (0, 0, 1023, '', 0, 0, 1);
