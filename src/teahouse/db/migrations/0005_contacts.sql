-- Who accepted whose greeting, and who waits for an answer. One row for each direction of a contact.

CREATE TABLE contacts (
    user_no BIGINT NOT NULL,
    other_no BIGINT NOT NULL,
    since_ms BIGINT NOT NULL,
    remark TEXT NOT NULL,
    PRIMARY KEY (user_no, other_no)
){clustered};

CREATE TABLE greetings (
    target_no BIGINT NOT NULL,
    sender_no BIGINT NOT NULL,
    room_no BIGINT NOT NULL,
    sent_ms BIGINT NOT NULL,
    refused BIGINT NOT NULL,           -- 1: the target said no; the sender is not told
    reason TEXT NOT NULL,
    PRIMARY KEY (target_no, sender_no)
){clustered};
CREATE INDEX greetings_sender ON greetings (sender_no, sent_ms);
