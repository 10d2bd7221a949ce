-- Drafts made by a request that may come again, topics that were taken back.

-- Which draft a transaction id made, for a day: whoever asks again makes no second one.
CREATE TABLE draft_txns (
    account_no BIGINT NOT NULL,
    user_no BIGINT NOT NULL,
    device_id TEXT NOT NULL,
    txn_id TEXT NOT NULL,
    draft_no BIGINT NOT NULL,
    made_ms BIGINT NOT NULL,
    PRIMARY KEY (account_no, user_no, device_id, txn_id)
){clustered};
CREATE INDEX draft_txns_made ON draft_txns (account_no, made_ms);

-- Topics that were taken back, and how far their followers' choices were changed for it.
CREATE TABLE topic_ends (
    account_no BIGINT NOT NULL,
    place BIGINT NOT NULL,
    after_no BIGINT NOT NULL,          -- user_no of the last follower whose choice was looked at
    PRIMARY KEY (account_no, place)
){clustered};
CREATE INDEX topic_choices_account ON topic_choices (account_no, user_no);
INSERT INTO topic_ends (account_no, place, after_no) SELECT account_no, place, 0 FROM topics WHERE name = '';
