-- Moments: posts for friends, in a room of their author's own. Who may see what is decided when it is read.

-- Whoever has published a moment. The settings may be there before.
CREATE TABLE moment_authors (
    author_no {key},
    room_no BIGINT NOT NULL UNIQUE,
    standing BIGINT NOT NULL           -- moments that were not deleted
);

CREATE TABLE moment_settings (
    user_no {key},
    days BIGINT NOT NULL,              -- how far back friends see; 0: all
    seen BIGINT NOT NULL               -- position of the newest notice that was seen
);

CREATE TABLE moment_lists (
    user_no BIGINT NOT NULL,
    list TEXT NOT NULL,                -- hidden: may not see the user's moments; unwanted: the user does not want theirs
    other_no BIGINT NOT NULL,
    PRIMARY KEY (user_no, list, other_no)
){clustered};
CREATE INDEX moment_lists_other ON moment_lists (other_no, list);

CREATE TABLE moments (
    pos {key},                         -- of its event in the author's room
    author_no BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    scope BIGINT NOT NULL,             -- its audience now: 0 friends, 1 some of them, 2 all but some, 3 only the author
    named TEXT NOT NULL,               -- JSON list of the user_nos that the audience names
    gone BIGINT NOT NULL,              -- position of the first redaction; 0: it stands
    gone_last BIGINT NOT NULL,         -- the same of the last one: each of its events has one
    content {bytes} NOT NULL           -- JSON, see moments/types.py; empty once deleted
);
CREATE INDEX moments_standing ON moments (author_no, pos) WHERE gone = 0;
CREATE INDEX moments_author ON moments (author_no, pos);

-- Every audience of a moment whose audience was changed, the first one included.
CREATE TABLE moment_audiences (
    author_no BIGINT NOT NULL,
    moment_pos BIGINT NOT NULL,
    at BIGINT NOT NULL,                -- position of the change
    event_pos BIGINT NOT NULL,         -- the event that shows it to those who were let in; 0: nobody was
    scope BIGINT NOT NULL,
    named TEXT NOT NULL,
    PRIMARY KEY (author_no, moment_pos, at)
){clustered};
CREATE UNIQUE INDEX moment_audiences_event ON moment_audiences (event_pos) WHERE event_pos > 0;

-- In whose rooms somebody reads. Made when the first moment is shown to them; the row stays when that ends.
CREATE TABLE moment_ties (
    reader_no BIGINT NOT NULL,
    author_no BIGINT NOT NULL,
    room_no BIGINT NOT NULL,
    first BIGINT NOT NULL,             -- position of first coming in
    until BIGINT NOT NULL,             -- of last going; 0: never
    since BIGINT NOT NULL,             -- of last coming in
    since_ms BIGINT NOT NULL,
    news BIGINT NOT NULL,              -- of the newest change that is this reader's alone: a like, a receipt
    renewed BIGINT NOT NULL,           -- of being let see again what was hidden
    forgotten BIGINT NOT NULL,         -- 1: dropped from the reader's lists after going
    PRIMARY KEY (reader_no, author_no)
){clustered};
CREATE INDEX moment_ties_author ON moment_ties (author_no, reader_no);

-- One row for each moment and reader, kept after a like was taken back, for its own echo.
CREATE TABLE moment_likes (
    moment_pos BIGINT NOT NULL,
    user_no BIGINT NOT NULL,
    author_no BIGINT NOT NULL,
    emoji TEXT NOT NULL,
    pos BIGINT NOT NULL,
    until BIGINT NOT NULL,             -- position at which it was taken back; 0: it stands
    done_ms BIGINT NOT NULL,
    PRIMARY KEY (moment_pos, user_no)
){clustered};
CREATE INDEX moment_likes_user ON moment_likes (user_no, author_no, pos);

CREATE TABLE moment_comments (
    comment_no {key},                  -- a position
    moment_pos BIGINT NOT NULL,
    parent_no BIGINT NOT NULL,         -- the comment it answers; 0: the moment
    user_no BIGINT NOT NULL,
    written_ms BIGINT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX moment_comments_user ON moment_comments (user_no);
CREATE INDEX moment_comments_moment ON moment_comments (moment_pos, parent_no, comment_no);

-- What others did with somebody's moments and comments, for them to be told.
CREATE TABLE moment_notices (
    user_no BIGINT NOT NULL,
    pos BIGINT NOT NULL,               -- of the like or the comment
    kind TEXT NOT NULL,                -- like, comment, answer
    moment_pos BIGINT NOT NULL,
    doer_no BIGINT NOT NULL,
    comment_no BIGINT NOT NULL,        -- 0: a like
    PRIMARY KEY (user_no, pos)
){clustered};
CREATE INDEX moment_notices_doer ON moment_notices (doer_no);
CREATE INDEX moment_notices_moment ON moment_notices (moment_pos);

-- Media that may be read by those alone who may see the moment.
CREATE TABLE moment_media (
    media_id TEXT NOT NULL,
    moment_pos BIGINT NOT NULL,
    PRIMARY KEY (media_id, moment_pos)
){clustered};
CREATE INDEX moment_media_moment ON moment_media (moment_pos);
