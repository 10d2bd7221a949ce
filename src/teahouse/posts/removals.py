"""Taking a post out of sight by a decision, and putting it back: the one door for moderation.

Every reader's door asks for the post's fate when it is read, so nothing is moved, and whatever people do meanwhile is
kept. Stock clients that hold the post already do not ask again: for them each removal and each restoration appends one
event to the channel, which replaces what the post's event says. It is no redaction: clients never undo one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from teahouse.clock import Clock
from teahouse.db import Database, Transaction
from teahouse.errors import Conflict, Forbidden, NotFound
from teahouse.eventlog.types import Also, Draft, Proposal, StoredEvent
from teahouse.posts import store, wording
from teahouse.posts.reposts import carries
from teahouse.posts.service import EDITS_MAX, REMOVALS_MAX, Accounts, Posts
from teahouse.posts.types import Fate, Post, Publisher, Ref
from teahouse.rooms.service import Rooms

Change = Callable[[Transaction], Awaitable[None]]


class Removals:
    """What decisions do to posts."""

    def __init__(self, database: Database, clock: Clock, rooms: Rooms, accounts: Accounts, posts: Posts) -> None:
        self._database = database
        self._clock = clock
        self._rooms = rooms
        self._accounts = accounts
        self._posts = posts

    async def remove(self, ref: Ref, also: Also | None = None) -> str:
        """Take a standing post out of sight; the id of the event that tells clients. Nothing is lost; see `restore`.

        `also` writes more in the same transaction, such as the decision, and may refuse. Raises NotFound for a post
        that does not stand.
        """
        publisher, post = await self._found(ref, Fate.STANDS)
        async with self._posts.alone(publisher):
            await self._check_often(post)
            mark = {"account": publisher.handle, "number": ref.number, "url": self._address(publisher, ref)}

            async def removed(tx: Transaction) -> None:
                before = await store.one(tx, ref)
                if before is None or not await store.set_fate(
                    tx, ref, Fate.STANDS, Fate.REMOVED, self._clock.now_ms()
                ):  # fmt: skip
                    raise NotFound("There is no such post.")
                await self._carried_on(tx, before, -1)
                for listener in self._posts.listeners:
                    await listener.removed(tx, before)

            return await self._tell(publisher, post, lambda kind: wording.tombstone(kind, mark), removed, also)

    async def restore(self, ref: Ref, also: Also | None = None) -> str:
        """Undo `remove` exactly; the id of the event that shows clients the post again. `also` as there."""
        publisher, _ = await self._found(ref, Fate.REMOVED)
        async with self._posts.alone(publisher):
            _, post = await self._found(ref, Fate.REMOVED)
            [version] = await store.versions(self._database, ref, 1)
            content, correction = version.content, await store.correction(self._database, ref)
            _, shown = wording.event(publisher, ref.number, content, self._address(publisher, ref), correction)
            shown |= carries(content)

            async def restored(tx: Transaction) -> None:
                if not await store.set_fate(tx, ref, Fate.REMOVED, Fate.STANDS, 0):
                    raise NotFound("The post was not removed.")
                after = await store.one(tx, ref)
                assert after is not None
                if after.version != version.version:
                    raise Conflict("The post was changed meanwhile: look at it again.")
                await self._carried_on(tx, after, 1)
                for listener in self._posts.listeners:
                    await listener.restored(tx, after)

            return await self._tell(publisher, post, lambda _: shown, restored, also)

    async def _found(self, ref: Ref, fate: Fate) -> tuple[Publisher, Post]:
        """A post of this fate, and its account."""
        publisher = await self._accounts.publisher(ref.account_no)
        post = await store.one(self._database, ref)
        if publisher is None or post is None or post.fate is not fate:
            raise NotFound("There is no such post." if fate is Fate.STANDS else "The post was not removed.")
        return publisher, post

    async def _check_often(self, post: Post) -> None:
        """Raises Forbidden for a post that was removed and restored too often."""
        row = await self._database.fetch_one(
            "SELECT count(*) FROM (SELECT pos FROM relations WHERE room_no = ? AND parent_pos = ? "
            "AND rel_type = 'm.replace' LIMIT ?) edits",
            post.room_no, post.pos, EDITS_MAX,
        )  # fmt: skip
        if row is not None and row[0] - post.version >= 2 * REMOVALS_MAX:
            raise Forbidden(f"A post is removed at most {REMOVALS_MAX} times.")

    async def _tell(
        self, publisher: Publisher, post: Post, shown: Callable[[str], dict[str, Any]], change: Change,
        also: Also | None,
    ) -> str:  # fmt: skip
        """Append the event that shows the post otherwise, and change its fate with it."""
        target = await self._posts.target(post)

        async def told(tx: Transaction, events: Sequence[StoredEvent]) -> None:
            await change(tx)
            if also is not None:
                await also(tx, events)

        draft = Draft(target.type, wording.replacing(shown(target.type), target.event_id), relates_to=target)
        proposal = Proposal(publisher.user_id, publisher.account_no, [draft], post.room_no, also=told)
        return (await self._rooms.append(proposal)).event_ids[0]

    async def _carried_on(self, tx: Transaction, post: Post, by: int) -> None:
        """A repost vanished from sight, or is back: its original counts it so."""
        if post.of is not None:
            await store.count(tx, post.of, "reposts", by)
        self._posts.editions.changed(tx, post.account_no)

    def _address(self, publisher: Publisher, ref: Ref) -> str:
        """Where everybody reads what became of the post."""
        return self._posts.address(publisher.handle, ref.number)
