-- Mail that waits to be sent, written in the transaction of its cause. A row goes when the mail was taken.

CREATE TABLE mail_outbox (
    mail_no {key},                     -- a position
    message_id TEXT NOT NULL UNIQUE,
    about TEXT NOT NULL,               -- what its writer calls it; names nobody
    content {bytes} NOT NULL,          -- JSON with the address in it, sealed; empty once it was given up
    written_ms BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,            -- when it is tried next
    attempts BIGINT NOT NULL,
    failed_ms BIGINT NOT NULL,         -- when it was given up; 0: it waits
    failure TEXT NOT NULL              -- what the last attempt came to
);
CREATE INDEX mail_outbox_due ON mail_outbox (due_ms, mail_no) WHERE failed_ms = 0;
CREATE INDEX mail_outbox_failed ON mail_outbox (failed_ms) WHERE failed_ms > 0;
