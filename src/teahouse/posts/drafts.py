"""Drafts, and posts that wait for their hour. A draft goes in the transaction that publishes it: it is a draft or a
post, never both and never neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from teahouse.clock import Clock
from teahouse.db import Database, Reader, Row, Transaction
from teahouse.errors import Forbidden, InvalidParam, NotFound
from teahouse.eventlog.identifiers import bucket_of, number_at
from teahouse.eventlog.types import StoredEvent, Txn
from teahouse.posts import checking
from teahouse.posts.service import Posts
from teahouse.posts.types import Draft, Post, PostContent, Publisher

DRAFTS_MAX = 500  # of one account, scheduled ones included: a year of posts for more than every day
AHEAD_MAX_MS = 366 * 86_400_000  # how far ahead a post can be scheduled, a year: accounts and topics change
RETRIES_MS = 86_400_000  # for so long a request that made a draft is known when it comes again: a day
NEVER_MS = 1 << 62  # later than any draft
FAILURE_MAX_CHARACTERS = 500  # of why a draft could not be published
COLUMNS = "draft_no, account_no, author_no, changed_by_no, changed_ms, due_ms, failure, content"
SCHEDULED = "due_ms > 0 AND failure = ''"  # the condition of the partial index drafts_due

_decode = msgspec.json.Decoder(PostContent).decode


class Accounts(Protocol):
    """What drafts need of public accounts."""

    async def publisher(self, account_no: int) -> Publisher | None:
        """An account by its number."""


class Drafts:
    """Drafts of all accounts. Whoever calls has checked that an editor asks."""

    def __init__(self, database: Database, clock: Clock, posts: Posts, accounts: Accounts) -> None:
        self._database = database
        self._clock = clock
        self._posts = posts
        self._accounts = accounts
        self.next_due_ms = 0  # no scheduled draft is due before it; 0: not looked yet

    async def create(
        self, publisher: Publisher, author_no: int, content: PostContent, due_ms: int = 0, txn: Txn | None = None
    ) -> Draft:
        """Keep a draft, scheduled when `due_ms` says so. A scheduled one must be ready to be published.

        With `txn` a retry finds the draft of the first try; raises NotFound when it was deleted or published since.
        """
        if txn is not None:
            earlier = await self._made(self._database, publisher, txn)
            if earlier:
                return await self.find(publisher.account_no, earlier)
        content = await self._kept(publisher, author_no, content, due_ms)
        async with self._database.transaction() as tx:
            if txn is not None:
                earlier = await self._made(tx, publisher, txn)
                found = await one(tx, earlier) if earlier else None
                if found is not None:
                    return found
            row = await tx.fetch_one("SELECT count(*) FROM drafts WHERE account_no = ?", publisher.account_no)
            if row is not None and row[0] >= DRAFTS_MAX:
                raise Forbidden(f"An account keeps at most {DRAFTS_MAX} drafts: publish or delete some.")
            draft_no = number_at(tx.positions(), bucket_of(publisher.account_no))
            draft = Draft(
                draft_no, publisher.account_no, author_no, author_no, self._clock.now_ms(), due_ms, "", content
            )
            await tx.execute(
                f"INSERT INTO drafts ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, '', ?)",
                draft.draft_no, draft.account_no, author_no, author_no, draft.changed_ms, due_ms,
                msgspec.json.encode(content),
            )  # fmt: skip
            if txn is not None:
                await note(tx, draft, txn)
            self._scheduled(tx, due_ms)
        return draft

    async def _made(self, reader: Reader, publisher: Publisher, txn: Txn) -> int:
        """The number of the draft that an earlier try with the same transaction id made; 0 for none."""
        row = await reader.fetch_one(
            "SELECT draft_no FROM draft_txns WHERE account_no = ? AND user_no = ? AND device_id = ? AND txn_id = ?",
            publisher.account_no, txn.user_no, txn.device_id, txn.txn_id,
        )  # fmt: skip
        return 0 if row is None else int(row[0])

    async def of_account(self, account_no: int, before: int, limit: int) -> list[Draft]:
        """An account's drafts below a number, the last begun first."""
        rows = await self._database.fetch(
            f"SELECT {COLUMNS} FROM drafts WHERE account_no = ? AND draft_no < ? ORDER BY draft_no DESC LIMIT ?",
            account_no, before, limit,
        )  # fmt: skip
        return [draft_of(row) for row in rows]

    async def find(self, account_no: int, draft_no: int) -> Draft:
        """One draft of an account; raises NotFound."""
        draft = await one(self._database, draft_no)
        if draft is None or draft.account_no != account_no:
            raise NotFound("There is no such draft: it was deleted, or published.")
        return draft

    async def change(self, publisher: Publisher, editor_no: int, draft: Draft, content: PostContent) -> Draft:
        """Put a draft into other words. Its hour stays, and what went wrong is forgotten."""
        content = await self._kept(publisher, draft.author_no, content, 0 if draft.failure else draft.due_ms)
        return await self._put(draft, editor_no, content, 0 if draft.failure else draft.due_ms)

    async def schedule(self, publisher: Publisher, editor_no: int, draft: Draft, due_ms: int) -> Draft:
        """Give a draft its hour, or take it away with 0."""
        content = await self._kept(publisher, draft.author_no, draft.content, due_ms)
        return await self._put(draft, editor_no, content, due_ms)

    async def delete(self, draft: Draft) -> None:
        """Drop a draft; raises NotFound when it was published meanwhile."""
        async with self._database.transaction() as tx:
            await take(tx, draft)

    async def publish(self, publisher: Publisher, draft_no: int) -> Post:
        """Publish a draft now; the post. Asked again, the same post."""
        txn = Txn(publisher.account_no, "", "draft", str(draft_no))
        draft = await one(self._database, draft_no)
        if draft is None or draft.account_no != publisher.account_no:
            earlier = await self._posts.published(publisher, txn)
            if earlier is None:
                raise NotFound("There is no such draft: it was deleted.")
            return earlier

        async def also(tx: Transaction, events: Sequence[StoredEvent]) -> None:
            await take(tx, draft)

        return await self._posts.publish(publisher, draft.author_no, draft.content, txn, also)

    async def due(self, now_ms: int, limit: int) -> list[Draft]:
        """Drafts whose hour has come, the earliest first."""
        rows = await self._database.fetch(
            f"SELECT {COLUMNS} FROM drafts WHERE {SCHEDULED} AND due_ms <= ? ORDER BY due_ms, draft_no LIMIT ?",
            now_ms, limit,
        )  # fmt: skip
        return [draft_of(row) for row in rows]

    async def look_ahead(self) -> None:
        """Learn when the next draft is due."""
        self.next_due_ms = NEVER_MS  # first: what is scheduled while this looks lowers it
        row = await self._database.fetch_one(f"SELECT due_ms FROM drafts WHERE {SCHEDULED} ORDER BY due_ms LIMIT 1")
        if row is not None:
            self.next_due_ms = min(self.next_due_ms, int(row[0]))

    async def failed(self, draft: Draft, reason: str) -> None:
        """Note why a draft was not published at its hour, unless somebody changed it meanwhile. It stays a draft."""
        async with self._database.transaction() as tx:
            await tx.execute(
                "UPDATE drafts SET failure = ? WHERE draft_no = ? AND due_ms = ? AND changed_ms = ?",
                reason[:FAILURE_MAX_CHARACTERS], draft.draft_no, draft.due_ms, draft.changed_ms,
            )  # fmt: skip

    async def publish_due(self, draft: Draft) -> None:
        """Publish a draft whose hour has come."""
        publisher = await self._accounts.publisher(draft.account_no)
        if publisher is None:
            raise NotFound("The account is gone.")
        await self.publish(publisher, draft.draft_no)

    async def _kept(self, publisher: Publisher, author_no: int, content: PostContent, due_ms: int) -> PostContent:
        """The content as a draft keeps it. What is to be published by itself must be ready while somebody looks."""
        if not due_ms:
            return checking.tidied(content)
        now_ms = self._clock.now_ms()
        if due_ms <= now_ms:
            raise InvalidParam("'due_ts' lies in the past: choose an hour to come, or publish the draft now.")
        if due_ms > now_ms + AHEAD_MAX_MS:
            raise InvalidParam("A post can be scheduled at most a year ahead.")
        return await self._posts.check(publisher, author_no, content)

    async def _put(self, draft: Draft, editor_no: int, content: PostContent, due_ms: int) -> Draft:
        now_ms = self._clock.now_ms()
        async with self._database.transaction() as tx:
            # It rises with each change, whatever the clock does: who publishes knows by it what they have read.
            await tx.execute(
                "UPDATE drafts SET changed_by_no = ?, changed_ms = CASE WHEN changed_ms < ? THEN ? ELSE changed_ms + 1 "
                "END, due_ms = ?, failure = '', content = ? WHERE draft_no = ?",
                editor_no, now_ms, now_ms, due_ms, msgspec.json.encode(content), draft.draft_no,
            )  # fmt: skip
            changed = await one(tx, draft.draft_no)
            if changed is None:
                raise NotFound("The draft was deleted or published meanwhile.")
            self._scheduled(tx, due_ms)
        return changed

    def _scheduled(self, tx: Transaction, due_ms: int) -> None:
        def noted() -> None:
            self.next_due_ms = min(self.next_due_ms, due_ms)

        if due_ms:
            tx.on_commit(noted)


def draft_of(row: Row) -> Draft:
    """A row of COLUMNS as a draft."""
    return Draft(row[0], row[1], row[2], row[3], row[4], row[5], row[6], _decode(row[7]))


async def note(tx: Transaction, draft: Draft, txn: Txn) -> None:
    """Remember which draft a request made, and forget those of which no retry comes any more."""
    await tx.execute(
        "DELETE FROM draft_txns WHERE account_no = ? AND made_ms <= ?",
        draft.account_no, draft.changed_ms - RETRIES_MS,
    )  # fmt: skip
    await tx.execute(
        "INSERT INTO draft_txns (account_no, user_no, device_id, txn_id, draft_no, made_ms) VALUES (?, ?, ?, ?, ?, ?)",
        draft.account_no, txn.user_no, txn.device_id, txn.txn_id, draft.draft_no, draft.changed_ms,
    )  # fmt: skip


async def one(reader: Reader, draft_no: int) -> Draft | None:
    """A draft, or None."""
    row = await reader.fetch_one(f"SELECT {COLUMNS} FROM drafts WHERE draft_no = ?", draft_no)
    return None if row is None else draft_of(row)


async def take(tx: Transaction, draft: Draft) -> None:
    """Take a draft away, as it was read; raises NotFound when it went or was changed meanwhile."""
    gone = await tx.execute(
        "DELETE FROM drafts WHERE draft_no = ? AND changed_ms = ? AND due_ms = ?",
        draft.draft_no, draft.changed_ms, draft.due_ms,
    )  # fmt: skip
    if not gone:
        raise NotFound("The draft was changed, deleted or published meanwhile.")
