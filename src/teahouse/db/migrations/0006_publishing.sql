-- Public accounts: who publishes, for whom others write, who follows. account_no is the user_no of the account's
-- Matrix user; a personal account's is the person's own.

ALTER TABLE users ADD COLUMN signer BIGINT NOT NULL DEFAULT 0;  -- 1: signs for a public account; nobody signs in as it

CREATE TABLE public_accounts (
    account_no {key},
    handle TEXT NOT NULL UNIQUE,
    room_no BIGINT NOT NULL UNIQUE,    -- its channel
    kind TEXT NOT NULL,                -- person, company, media, government, organisation
    name TEXT NOT NULL,
    about {bytes} NOT NULL,            -- JSON: description, links, picture, cover, language
    handle_form TEXT NOT NULL,         -- what the handle looks like: no two are to look the same
    created_ms BIGINT NOT NULL,
    followers BIGINT NOT NULL,
    posts BIGINT NOT NULL,             -- the newest post's number
    pinned BIGINT NOT NULL,            -- the pinned post's number; 0: none
    badge TEXT NOT NULL,               -- '' or the kind that was verified
    badge_until_ms BIGINT NOT NULL
);
CREATE INDEX public_accounts_followers ON public_accounts (followers, account_no);
CREATE INDEX public_accounts_kind ON public_accounts (kind, followers, account_no);
CREATE INDEX public_accounts_form ON public_accounts (handle_form);

-- What the directory finds accounts by.
CREATE TABLE account_terms (
    term TEXT NOT NULL,
    account_no BIGINT NOT NULL,
    PRIMARY KEY (term, account_no)
){clustered};
CREATE INDEX account_terms_account ON account_terms (account_no);

-- What verified accounts look like, and each form without one of its characters: nobody new may share one.
CREATE TABLE verified_forms (
    form TEXT NOT NULL,
    account_no BIGINT NOT NULL,
    PRIMARY KEY (form, account_no)
){clustered};
CREATE INDEX verified_forms_account ON verified_forms (account_no);

CREATE TABLE account_staff (
    user_no BIGINT NOT NULL,
    account_no BIGINT NOT NULL,
    role TEXT NOT NULL,                -- owner, editor, analyst
    since_ms BIGINT NOT NULL,
    PRIMARY KEY (user_no, account_no)
){clustered};
CREATE INDEX account_staff_account ON account_staff (account_no);

-- When an account published within the last day, as far as it counts.
CREATE TABLE posts_of_day (
    account_no BIGINT NOT NULL,
    posted_ms BIGINT NOT NULL,
    post_no BIGINT NOT NULL,           -- tells apart what was published in the same millisecond
    PRIMARY KEY (account_no, posted_ms, post_no)
){clustered};

-- What programs post with. Only the hash of a token is kept; it acts for the owner who made it.
CREATE TABLE posting_tokens (
    token_hash {bytes} PRIMARY KEY,
    token_no BIGINT NOT NULL,
    account_no BIGINT NOT NULL,
    maker_no BIGINT NOT NULL,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,              -- publish, edit, delete, analytics, separated by spaces
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL         -- 0: never
){clustered};
CREATE INDEX posting_tokens_account ON posting_tokens (account_no, token_no);
CREATE INDEX posting_tokens_maker ON posting_tokens (maker_no);

-- Who follows whom. A row stays after unfollowing, so that an older view hears of it. There are more of these than of
-- anything else: what is usually not there is NULL, which takes no room, and the wide columns come first.
CREATE TABLE follows (
    user_no BIGINT NOT NULL,
    account_no BIGINT NOT NULL,
    since BIGINT NOT NULL,             -- position in the follower's stream
    until BIGINT,                      -- the same of unfollowing; NULL: follows
    news BIGINT,                       -- position of the newest change that is this follower's alone: a like, a receipt
    since_s INTEGER NOT NULL,          -- seconds since 2020
    flags SMALLINT NOT NULL,           -- 1: forgotten, 2: wants alerts
    PRIMARY KEY (user_no, account_no)
){clustered};
CREATE INDEX follows_account ON follows (account_no, user_no);

-- How accounts grew, counted by day and where the followers came from; no row names a follower.
CREATE TABLE follower_days (
    account_no BIGINT NOT NULL,
    day BIGINT NOT NULL,               -- days since 1970, UTC
    source TEXT NOT NULL,
    came BIGINT NOT NULL,
    left_ BIGINT NOT NULL,
    PRIMARY KEY (account_no, day, source)
){clustered};

-- Posts by account and dense number. fate: 0 stands, 1 deleted by its owner, 2 removed by a decision.
CREATE TABLE posts (
    account_no BIGINT NOT NULL,
    number BIGINT NOT NULL,
    pos BIGINT NOT NULL,               -- of its event in the channel
    room_no BIGINT NOT NULL,
    author_no BIGINT NOT NULL,         -- who wrote it, for the account's staff alone
    kind TEXT NOT NULL,
    language TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    version BIGINT NOT NULL,           -- of its content; 0 until it is edited
    fate BIGINT NOT NULL,
    fate_ms BIGINT NOT NULL,
    of_account BIGINT NOT NULL,        -- the post it reposts; 0: none
    of_number BIGINT NOT NULL,
    comments_by TEXT NOT NULL,         -- everyone, followers, nobody
    likes BIGINT NOT NULL,
    reposts BIGINT NOT NULL,
    comments BIGINT NOT NULL,
    views BIGINT NOT NULL,
    topics BIGINT NOT NULL,            -- bit n: it carries the account's topic n
    correction TEXT NOT NULL,          -- the newest notice of what was put right; ''
    corrected_ms BIGINT NOT NULL,
    PRIMARY KEY (account_no, number)
){clustered};
CREATE UNIQUE INDEX posts_pos ON posts (pos);
CREATE INDEX posts_account ON posts (account_no, pos) WHERE fate = 0;
CREATE INDEX posts_of ON posts (of_account, of_number, account_no) WHERE of_account <> 0;

-- What a post says, in each of its versions; rows go when the post is deleted.
CREATE TABLE post_versions (
    account_no BIGINT NOT NULL,
    number BIGINT NOT NULL,
    version BIGINT NOT NULL,
    written_ms BIGINT NOT NULL,
    correction TEXT NOT NULL,          -- what was put right; '': an edit without notice
    content {bytes} NOT NULL,          -- JSON, see posts/types.py
    PRIMARY KEY (account_no, number, version)
){clustered};

CREATE TABLE post_tags (
    tag TEXT NOT NULL,                 -- case-folded, without #
    pos BIGINT NOT NULL,
    PRIMARY KEY (tag, pos)
){clustered};
CREATE INDEX post_tags_pos ON post_tags (pos);

-- Which media may be had without signing in: those that a standing public post, or an account itself, refers to.
CREATE TABLE public_media (
    media_id TEXT NOT NULL,
    account_no BIGINT NOT NULL,
    number BIGINT NOT NULL,            -- of the post; 0: the account's picture or cover
    PRIMARY KEY (media_id, account_no, number)
){clustered};
CREATE INDEX public_media_post ON public_media (account_no, number);

-- Drafts and posts that wait for their hour. A draft goes in the transaction that publishes it.
CREATE TABLE drafts (
    draft_no {key},                    -- a position
    account_no BIGINT NOT NULL,
    author_no BIGINT NOT NULL,
    changed_by_no BIGINT NOT NULL,
    changed_ms BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,            -- 0: not scheduled
    failure TEXT NOT NULL,             -- why it could not be published; '': nothing went wrong
    content {bytes} NOT NULL
);
CREATE INDEX drafts_account ON drafts (account_no, draft_no);
CREATE INDEX drafts_due ON drafts (due_ms, draft_no) WHERE due_ms > 0 AND failure = '';

-- What readers do with a post: one row for each reader and deed, kept after it was taken back, for its own echo.
CREATE TABLE interactions (
    account_no BIGINT NOT NULL,
    number BIGINT NOT NULL,
    kind TEXT NOT NULL,                -- like, vote
    user_no BIGINT NOT NULL,
    value TEXT NOT NULL,               -- the emoji of a like; the chosen answers of a vote
    pos BIGINT NOT NULL,
    until BIGINT NOT NULL,             -- position at which it was taken back; 0: it stands
    done_ms BIGINT NOT NULL,
    PRIMARY KEY (account_no, number, kind, user_no)
){clustered};
CREATE INDEX interactions_user ON interactions (user_no, account_no, pos);

-- How often each answer of a poll is chosen now.
CREATE TABLE poll_votes (
    account_no BIGINT NOT NULL,
    number BIGINT NOT NULL,
    answer BIGINT NOT NULL,            -- its place, from 0
    votes BIGINT NOT NULL,
    PRIMARY KEY (account_no, number, answer)
){clustered};

CREATE TABLE comments (
    comment_no {key},                  -- a position
    account_no BIGINT NOT NULL,
    number BIGINT NOT NULL,
    parent_no BIGINT NOT NULL,         -- the comment it answers; 0: the post
    user_no BIGINT NOT NULL,
    written_ms BIGINT NOT NULL,
    fate BIGINT NOT NULL,              -- 0 stands, 1 deleted by its author, 2 removed by a decision, 3 hidden by staff
    settled_by BIGINT NOT NULL,        -- who of the staff hid it; 0
    answers BIGINT NOT NULL,           -- comments that answer it and stand
    body TEXT NOT NULL
);
CREATE INDEX comments_post ON comments (account_no, number, parent_no, comment_no);
CREATE INDEX comments_user ON comments (user_no, comment_no);

-- Deleted posts of which likes, votes or comments are left to drop.
CREATE TABLE erasures (
    account_no BIGINT NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (account_no, number)
){clustered};

-- Readers whom an account's staff let comment no more.
CREATE TABLE account_blocks (
    account_no BIGINT NOT NULL,
    user_no BIGINT NOT NULL,
    by_no BIGINT NOT NULL,
    since_ms BIGINT NOT NULL,
    PRIMARY KEY (account_no, user_no)
){clustered};

-- What an account's posts are about, as it declares it. A topic's place is a bit of posts.topics and is never used again.
CREATE TABLE topics (
    account_no BIGINT NOT NULL,
    place BIGINT NOT NULL,
    name TEXT NOT NULL,                -- '': taken back
    alerts BIGINT NOT NULL,            -- followers who chose it for alerts
    shown BIGINT NOT NULL,             -- followers who chose it for their feed
    PRIMARY KEY (account_no, place)
){clustered};

-- Which topics of an account a follower chose, as bits; 0: all. The follower's own, told to nobody.
CREATE TABLE topic_choices (
    user_no BIGINT NOT NULL,
    account_no BIGINT NOT NULL,
    alerts BIGINT NOT NULL,            -- of posts that alert
    shown BIGINT NOT NULL,             -- of posts in the merged feed
    PRIMARY KEY (user_no, account_no)
){clustered};
