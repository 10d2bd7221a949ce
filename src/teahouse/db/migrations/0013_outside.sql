-- Followers by e-mail, mirrored feeds, imports.

-- Accounts that are followed by e-mail, and the newest post that all of their followers were written.
CREATE TABLE mail_lists (
    account_no {key},
    followers BIGINT NOT NULL,         -- confirmed ones
    mailed BIGINT NOT NULL
);

-- Who follows an account by e-mail. Only the server reads an address; the account's staff see how many there are.
CREATE TABLE mail_followers (
    follower_no {key},                 -- a position
    account_no BIGINT NOT NULL,
    address_hash {bytes} NOT NULL,
    address {bytes} NOT NULL,          -- sealed
    asked_ms BIGINT NOT NULL,          -- when a mail to confirm was last asked for
    asks BIGINT NOT NULL,              -- how many of them without a day in between
    confirmed_ms BIGINT NOT NULL,      -- 0: waits for the word of who reads the address
    token_hash {bytes} NOT NULL,       -- of the link to confirm; empty once it was used
    mailed BIGINT NOT NULL,            -- number of the newest post they were written
    returned BIGINT NOT NULL,          -- mails in a row that did not reach them
    UNIQUE (account_no, address_hash)
);
CREATE INDEX mail_followers_mailed ON mail_followers (account_no, mailed, follower_no) WHERE confirmed_ms > 0;
CREATE INDEX mail_followers_waiting ON mail_followers (asked_ms) WHERE confirmed_ms = 0;
CREATE INDEX mail_followers_address ON mail_followers (address_hash);
CREATE INDEX mail_outbox_about ON mail_outbox (about);

-- Feeds that accounts mirror.
CREATE TABLE mirrors (
    account_no {key},
    url TEXT NOT NULL,
    author_no BIGINT NOT NULL,         -- the owner who set it
    set_ms BIGINT NOT NULL,
    polled_ms BIGINT NOT NULL,         -- 0: not yet
    good_ms BIGINT NOT NULL,           -- the last poll that went well; 0: none did
    due_ms BIGINT NOT NULL,            -- the next poll; 0: stopped
    failures BIGINT NOT NULL,          -- in a row
    failure TEXT NOT NULL,             -- what the last one came to
    etag TEXT NOT NULL,
    modified TEXT NOT NULL
);
CREATE INDEX mirrors_due ON mirrors (due_ms) WHERE due_ms > 0;

-- What came from outside and which post it became, so that nothing becomes two. Rows stay when the post goes.
CREATE TABLE outside_entries (
    account_no BIGINT NOT NULL,
    entry_hash {bytes} NOT NULL,       -- of the id it has where it comes from
    pos BIGINT NOT NULL,               -- of the event of its post; 0: it was left out
    PRIMARY KEY (account_no, entry_hash)
){clustered};
