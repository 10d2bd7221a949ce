-- Side chats: one unencrypted room for each reader who wrote to an account. A row holds nothing of what was said.

CREATE TABLE side_chats (
    room_no {key},
    account_no BIGINT NOT NULL,
    reader_no BIGINT NOT NULL,
    opened_ms BIGINT NOT NULL,
    spoke_ms BIGINT NOT NULL,          -- when either side last wrote; 0: nobody has
    turn_ms BIGINT NOT NULL,           -- when the present conversation began; 0: none has
    waiting_ms BIGINT NOT NULL,        -- since when the reader waits for an answer; 0: does not
    claimed_by BIGINT NOT NULL,        -- who of the staff takes care of it; 0: nobody
    claimed_until_ms BIGINT NOT NULL
);
CREATE UNIQUE INDEX side_chats_pair ON side_chats (account_no, reader_no);
CREATE INDEX side_chats_waiting ON side_chats (account_no, waiting_ms, room_no);
CREATE INDEX side_chats_spoke ON side_chats (account_no, spoke_ms, room_no);
CREATE INDEX side_chats_reader ON side_chats (reader_no, opened_ms);

-- Conversations, for the share that was answered and how long that took.
CREATE TABLE chat_turns (
    account_no BIGINT NOT NULL,
    began_ms BIGINT NOT NULL,
    room_no BIGINT NOT NULL,
    answered_ms BIGINT NOT NULL,       -- when one of the staff first answered; 0: nobody has
    PRIMARY KEY (account_no, began_ms, room_no)
){clustered};

-- Who wrote what the account's user signed, for the account's staff alone.
CREATE TABLE chat_answers (
    pos {key},                         -- of the answer's event
    author_no BIGINT NOT NULL
);

CREATE TABLE chat_canned (
    canned_no {key},                   -- a position
    account_no BIGINT NOT NULL,
    name TEXT NOT NULL,
    answer TEXT NOT NULL
);
CREATE INDEX chat_canned_account ON chat_canned (account_no, canned_no);

-- What answers by itself, and when it last did in a chat.
CREATE TABLE chat_rules (
    rule_no {key},                     -- a position
    account_no BIGINT NOT NULL,
    keywords {bytes} NOT NULL,         -- JSON: a list of words
    whole BIGINT NOT NULL,             -- 1: whole words alone
    reply TEXT NOT NULL
);
CREATE INDEX chat_rules_account ON chat_rules (account_no, rule_no);

CREATE TABLE chat_replied (
    room_no BIGINT NOT NULL,
    rule_no BIGINT NOT NULL,
    replied_ms BIGINT NOT NULL,
    PRIMARY KEY (room_no, rule_no)
){clustered};
CREATE INDEX chat_replied_rule ON chat_replied (rule_no);

-- What an account's user has yet to do, written in the transaction that asks for it: answer by a rule, or turn down an
-- invitation and open the side chat instead (rule_no 0).
CREATE TABLE chat_errands (
    errand_no {key},                   -- a position
    account_no BIGINT NOT NULL,
    reader_no BIGINT NOT NULL,
    room_no BIGINT NOT NULL,
    rule_no BIGINT NOT NULL
);

-- The post that welcomes who comes into a channel.
CREATE TABLE account_welcomes (
    account_no {key},
    number BIGINT NOT NULL
);
