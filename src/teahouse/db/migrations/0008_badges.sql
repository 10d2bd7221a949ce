-- Verified badges: who asked for one, what proves it, how the operator's staff decided, and what the account was told.

CREATE INDEX public_accounts_badge ON public_accounts (badge_until_ms) WHERE badge_until_ms > 0;

CREATE TABLE badge_requests (
    request_no {key},                  -- a position
    account_no BIGINT NOT NULL,
    asked_by BIGINT NOT NULL,
    way TEXT NOT NULL,                 -- domain, evidence
    domain TEXT NOT NULL,              -- '' for evidence
    token TEXT NOT NULL,               -- what the domain must show
    name TEXT NOT NULL,                -- the account's when it asked: a badge vouches for it
    asked_ms BIGINT NOT NULL,
    ready_ms BIGINT NOT NULL,          -- when the proof was last found, or the newest document came; 0: not yet
    proof TEXT NOT NULL,               -- where it was found: dns, file
    state TEXT NOT NULL,               -- open, granted, refused, taken back
    decided_ms BIGINT NOT NULL
);
CREATE UNIQUE INDEX badge_requests_open ON badge_requests (account_no) WHERE state = 'open';
CREATE INDEX badge_requests_waiting ON badge_requests (request_no) WHERE state = 'open' AND ready_ms > 0;

CREATE TABLE badge_verdicts (
    request_no BIGINT NOT NULL,
    staff_no BIGINT NOT NULL,
    granted BIGINT NOT NULL,
    reason TEXT NOT NULL,
    given_ms BIGINT NOT NULL,
    PRIMARY KEY (request_no, staff_no)
){clustered};

-- Documents, sealed with a key that is not in the database. They go 30 days after the verdict.
CREATE TABLE badge_evidence (
    evidence_no {key},
    request_no BIGINT NOT NULL,
    size BIGINT NOT NULL,
    sent_ms BIGINT NOT NULL,
    delete_ms BIGINT NOT NULL,         -- 0: no verdict yet
    name {bytes} NOT NULL,             -- sealed, as the document is
    document {bytes} NOT NULL
);
CREATE INDEX badge_evidence_request ON badge_evidence (request_no, evidence_no);
CREATE INDEX badge_evidence_delete ON badge_evidence (delete_ms) WHERE delete_ms > 0;

-- What an account's own staff are told of its badge.
CREATE TABLE badge_statements (
    statement_no {key},
    account_no BIGINT NOT NULL,
    act TEXT NOT NULL,                 -- granted, refused, withdrawn, given up, expired
    reason TEXT NOT NULL,
    done_ms BIGINT NOT NULL,
    done_by BIGINT NOT NULL            -- whose act it was; 0: time's
);
CREATE INDEX badge_statements_account ON badge_statements (account_no, statement_no);
