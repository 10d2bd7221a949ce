-- Imports as jobs; entries of mirrored feeds that their writers put into other words.

CREATE TABLE imports (
    import_no {key},
    account_no BIGINT NOT NULL,
    author_no BIGINT NOT NULL,         -- the owner who sent the archive
    file TEXT NOT NULL,                -- its name in the folder of imports
    state TEXT NOT NULL,               -- waiting (or being read), done, failed
    sent_ms BIGINT NOT NULL,
    ended_ms BIGINT NOT NULL,          -- 0: not yet
    lines BIGINT NOT NULL,
    added BIGINT NOT NULL,             -- counted with every post, in its transaction
    known BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    problems TEXT NOT NULL,            -- JSON: [{"line", "text"}, …]
    failure TEXT NOT NULL              -- why the whole archive was given up
);
CREATE INDEX imports_of_account ON imports (account_no, import_no);
CREATE INDEX imports_waiting ON imports (import_no) WHERE state = 'waiting';

-- The post follows its entry: what the entry said when it was last looked at, as a hash (NULL: it does not follow), and
-- which wording of the post came from it. Where staff made a newer one, theirs stands.
ALTER TABLE outside_entries ADD COLUMN said {bytes};
ALTER TABLE outside_entries ADD COLUMN version BIGINT NOT NULL DEFAULT 0;
