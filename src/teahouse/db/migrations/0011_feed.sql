-- Timelines, search and mentions.

-- Whom somebody keeps out of sight, or out: theirs alone to know.
CREATE TABLE shuns (
    user_no BIGINT NOT NULL,
    other_no BIGINT NOT NULL,          -- a user, or the user of an account
    flags BIGINT NOT NULL,             -- 1: muted, 2: blocked, 4: reposts not shown
    since_ms BIGINT NOT NULL,
    PRIMARY KEY (user_no, other_no)
){clustered};

-- What somebody wants in their own feed.
CREATE TABLE feed_settings (
    user_no {key},
    settings {bytes} NOT NULL          -- JSON, see feed/types.py
);

CREATE INDEX posts_public ON posts (pos) WHERE fate = 0;
CREATE INDEX posts_carrying ON posts (of_account, of_number, pos) WHERE of_account <> 0 AND fate = 0;

-- What standing posts are found by: terms as posts/words.py cuts them, and marks such as from:daily or lang:zh, which
-- no text can hold. Found by position too, because a later version may cut otherwise and must still erase everything.
CREATE TABLE post_terms (
    term TEXT NOT NULL,
    pos BIGINT NOT NULL,
    PRIMARY KEY (term, pos)
){clustered};
CREATE INDEX post_terms_pos ON post_terms (pos);

-- Standing posts with a hashtag, by the day they were written on.
CREATE TABLE tag_days (
    tag TEXT NOT NULL,
    day BIGINT NOT NULL,               -- days since 1970, UTC
    posts BIGINT NOT NULL,
    PRIMARY KEY (tag, day)
){clustered};

-- Who is named in posts and comments.
CREATE TABLE post_mentions (
    target_no BIGINT NOT NULL,
    pos BIGINT NOT NULL,               -- when it came to be
    account_no BIGINT NOT NULL,        -- the post
    number BIGINT NOT NULL,
    comment_no BIGINT NOT NULL,        -- the comment on it; 0: the post itself
    by_no BIGINT NOT NULL,             -- who names them: the account, or the comment's author
    PRIMARY KEY (target_no, pos)
){clustered};
CREATE INDEX post_mentions_source ON post_mentions (account_no, number, comment_no);

-- How far somebody has seen the mentions of an account or of themselves.
CREATE TABLE post_mentions_seen (
    target_no {key},
    pos BIGINT NOT NULL
);

-- What is trending is counted from the newest deeds.
CREATE INDEX interactions_recent ON interactions (pos) WHERE until = 0;

-- When the list of what is trending was paused, whole; never a single entry of it.
CREATE TABLE trending_pauses (
    pause_no {key},                    -- a position
    since_ms BIGINT NOT NULL,
    until_ms BIGINT NOT NULL,          -- 0: it is paused
    office TEXT NOT NULL,              -- who decided
    reason TEXT NOT NULL
);
