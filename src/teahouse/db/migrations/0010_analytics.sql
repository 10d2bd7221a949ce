-- What publishers see of how their posts do. Nothing here names a reader, and no row is one reader's.

-- Finished counts of each post, and the key under which its readers are told apart: 30 days long, then NULL for ever.
CREATE TABLE post_figures (
    account_no BIGINT NOT NULL,
    number BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,        -- of the post
    key {bytes},
    impressions BIGINT NOT NULL,       -- followers to whose devices it was delivered
    opens BIGINT NOT NULL,             -- people with an account here who read it
    visits BIGINT NOT NULL,            -- visitors of its page, each counted once a day
    PRIMARY KEY (account_no, number)
){clustered};
CREATE INDEX post_figures_created ON post_figures (account_no, created_ms);
CREATE INDEX post_figures_keyed ON post_figures (created_ms) WHERE key IS NOT NULL;

-- Whom a post's counts hold already, as numbers made with its key; see analytics/sketch.py. Goes with the key.
CREATE TABLE post_sketches (
    account_no BIGINT NOT NULL,
    number BIGINT NOT NULL,
    kind TEXT NOT NULL,                -- impressions, opens, visits
    sketch {bytes} NOT NULL,
    PRIMARY KEY (account_no, number, kind)
){clustered};

-- When they came: rows of one hour in a post's first three days, of one day after them.
CREATE TABLE post_hours (
    account_no BIGINT NOT NULL,
    number BIGINT NOT NULL,
    kind TEXT NOT NULL,
    from_ms BIGINT NOT NULL,
    many BIGINT NOT NULL,
    PRIMARY KEY (account_no, number, kind, from_ms)
){clustered};

CREATE TABLE account_days (
    account_no BIGINT NOT NULL,
    day BIGINT NOT NULL,               -- days since 1970, UTC
    kind TEXT NOT NULL,
    many BIGINT NOT NULL,              -- over all posts
    PRIMARY KEY (account_no, day, kind)
){clustered};
