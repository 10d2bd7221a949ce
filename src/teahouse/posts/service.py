"""Publishing: a post is an event in its account's channel, and rows that pages, feeds and counts are made of."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Protocol
from urllib.parse import quote
from weakref import WeakValueDictionary

from msgspec import structs

from teahouse.clock import Clock
from teahouse.db import Database, Transaction
from teahouse.errors import Conflict, Forbidden, InvalidParam, NotFound, Unavailable
from teahouse.eventlog.types import Also, Draft, Proposal, StoredEvent, Target, Txn
from teahouse.posts import checking, store, wording
from teahouse.posts.editions import Editions
from teahouse.posts.erasing import Erasing
from teahouse.posts.media import PublicMedia
from teahouse.posts.neighbours import Boundaries, PostListener
from teahouse.posts.reposts import Reposts, carries, require
from teahouse.posts.topics import Topics
from teahouse.posts.types import Counts, Fate, Post, PostContent, Publisher, Ref, Repost, Version, kind_of
from teahouse.rooms.service import Rooms

VERSIONS_MAX = 100  # wordings of one post: the first and its edits
CORRECTION_MAX_CHARACTERS = 500  # what a correction notice says
REMOVALS_MAX = 50  # of one post, by decisions that were taken and undone: each is an event, as its end is
EDITS_MAX = VERSIONS_MAX + 2 * REMOVALS_MAX  # events that replace what a post's own event says
TRIES_MAX = 5  # for a number that another post of the account took meanwhile


class NumberTaken(Conflict):
    """Another post of the account took the number; the next one is tried."""


class Accounts(Protocol):
    """What posts need of public accounts."""

    async def publisher(self, account_no: int) -> Publisher | None:
        """An account by its number."""

    async def publisher_named(self, handle: str) -> Publisher | None:
        """An account by its handle."""

    async def posted(self, tx: Transaction, account_no: int, number: int, *, news: bool) -> bool:
        """Move the account's newest number from the one before to `number`; False when it stands elsewhere."""

    async def newest(self, account_no: int) -> int:
        """The number of the account's newest post; 0 for none."""

    async def writers(self, account_no: int) -> Collection[int]:
        """Everybody who works for the account, and the account itself."""

    async def unpin(self, tx: Transaction, account_no: int, number: int) -> None:
        """A post is pinned no more, if it was."""

    async def pinned(self, account_no: int) -> int:
        """The number of the pinned post; 0 for none."""


class Posts:
    """Posts of all accounts."""

    def __init__(
        self, database: Database, clock: Clock, rooms: Rooms, accounts: Accounts, media: PublicMedia, topics: Topics,
        boundaries: Boundaries, public_url: str,
    ) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._rooms = rooms
        self._accounts = accounts
        self._topics = topics
        self._reposts = Reposts(database, accounts, boundaries)
        self._public_url = public_url.rstrip("/")
        # One writer of an account at a time: numbers are dense, so two posts at once would want the same one.
        self._writing: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self.media = media
        self.boundaries = boundaries
        self.listeners: list[PostListener] = []
        self.editions = Editions()
        self.erasing = Erasing(database)

    def address(self, handle: str, number: int) -> str:
        """Where everybody can read a post. Without `public_url` in the configuration: from the server's root."""
        return f"{self._public_url}/@{quote(handle, safe='')}/{number}"

    async def publish(
        self, publisher: Publisher, author_no: int, content: PostContent, txn: Txn | None = None,
        also: Also | None = None,
    ) -> Post:  # fmt: skip
        """Publish; the post. With `txn` a retry finds the same post. `also` writes more in the same transaction."""
        return await self._publish(publisher, author_no, content, txn, also, 0)

    async def publish_imported(
        self, publisher: Publisher, author_no: int, content: PostContent, written_ms: int, also: Also
    ) -> Post:
        """Publish what was published elsewhere at `written_ms`: it shows that date, and alerts nobody."""
        # Whoever published it is not asked again what a picture shows.
        content = structs.replace(content, media=[structs.replace(each, undescribed=True) for each in content.media])
        return await self._publish(publisher, author_no, content, None, also, written_ms)

    async def check(self, publisher: Publisher, author_no: int, content: PostContent) -> PostContent:
        """The content as it would be published now, or raises what publishing it would."""
        content = await self._ready(publisher, author_no, content)
        await self._reposts.source(content)
        return content

    async def _ready(
        self, publisher: Publisher, author_no: int, content: PostContent, before: Post | None = None
    ) -> PostContent:
        """The content checked, with its files as they are. `before`: the post that it is to be another wording of."""
        content = checking.checked(content)
        kept = () if before is None or before.content is None else before.content.topics
        await self._topics.check(publisher.account_no, {*content.topics} - {*kept})
        owners = {author_no, *await self._accounts.writers(publisher.account_no)}
        ref = None if before is None else before.ref
        return checking.described(content, await self.media.uploads(checking.files(content), owners, ref))

    async def _publish(
        self, publisher: Publisher, author_no: int, content: PostContent, txn: Txn | None, also: Also | None,
        written_ms: int,
    ) -> Post:  # fmt: skip
        async with self.alone(publisher):
            earlier = None if txn is None else await self.published(publisher, txn)
            if earlier is not None:
                return earlier
            content = structs.replace(await self._ready(publisher, author_no, content), written_ms=written_ms)
            source = await self._reposts.source(content)
            of = None if source is None else source[1]
            if source is not None:
                content = structs.replace(content, repost=Repost(source[0].handle, source[1].number))
            for _ in range(TRIES_MAX):
                number = await self._accounts.newest(publisher.account_no) + 1
                try:
                    return await self._append(publisher, author_no, content, of, number, txn, also)
                except NumberTaken:
                    continue
        raise Unavailable("Too many posts of this account at once; try again.")

    async def published(self, publisher: Publisher, txn: Txn) -> Post | None:
        """The post that an earlier try with the same transaction id made."""
        event_id = await self.answered(publisher, txn)
        pos = None if event_id is None else self._rooms.eventlog.identifiers.position(event_id)
        return None if pos is None else (await store.at(self._database, [pos])).get(pos)

    async def answered(self, publisher: Publisher, txn: Txn | None) -> str | None:
        """The event that an earlier try with the same transaction id made in the account's channel."""
        return None if txn is None else await self._rooms.eventlog.answered(txn, publisher.room_no)

    async def edit(
        self, publisher: Publisher, ref: Ref, content: PostContent, correction: str = "", txn: Txn | None = None,
        also: Also | None = None,
    ) -> str:  # fmt: skip
        """Put a post into other words; the edit's event id. Readers can see every wording. A correction says why.

        `also` writes more in the same transaction.
        """
        async with self.alone(publisher):
            earlier = await self.answered(publisher, txn)
            if earlier is not None:
                return earlier
            post = await self.standing(ref)
            content = await self._reworded(publisher, post, content)
            correction = wording.line(correction)
            wording.limit(correction, CORRECTION_MAX_CHARACTERS, "A correction")
            if post.version + 1 >= VERSIONS_MAX:
                raise Forbidden(f"A post has at most {VERSIONS_MAX} wordings.")
            version = Version(post.version + 1, self._clock.now_ms(), correction, content)
            return await self._append_edit(publisher, post, version, txn, also)

    async def _reworded(self, publisher: Publisher, post: Post, content: PostContent) -> PostContent:
        """New words for a post, ready; what an edit leaves as it was is checked."""
        before = post.content or PostContent()
        content = await self._ready(publisher, post.author_no, content, post)
        content = structs.replace(content, written_ms=before.written_ms)
        if content.repost is not None and post.of is not None:
            found = await self.original(content)
            # It may be named by a repost of it, as it may be when it is published.
            if found is not None and post.of in (found[1].ref, found[1].of):
                content = structs.replace(content, repost=before.repost)
        if content.repost != before.repost or content.poll != before.poll:
            raise InvalidParam("An edit changes neither what a post carries on nor what its readers vote about.")
        if content.poll is not None and bool(content.warning) != bool(before.warning):
            raise InvalidParam("A poll has its warning from the beginning, or never: say so when you publish it.")
        return content

    async def _append_edit(
        self, publisher: Publisher, post: Post, version: Version, txn: Txn | None, also: Also | None
    ) -> str:
        content, ref = version.content, post.ref
        target = await self.target(post)
        address = self.address(publisher.handle, post.number)
        kind, shown = wording.event(publisher, post.number, content, address, version.correction or post.correction)
        shown |= carries(content)

        async def edited(tx: Transaction, events: Sequence[StoredEvent]) -> None:
            if not await store.set_current(tx, ref, version, kind_of(content)):
                raise Conflict("The post was changed meanwhile: look at it again.")
            await store.insert_version(tx, ref, version)
            await store.set_tags(tx, post.pos, wording.tags(content))
            await self.media.show(tx, ref, checking.files(content))
            self.editions.changed(tx, ref.account_no)
            after = replace(
                post, version=version.version, kind=kind_of(content), comments_by=content.comments, content=content,
                edited_ms=version.written_ms,
            )  # fmt: skip
            for listener in self.listeners:
                await listener.edited(tx, post, after)
            if also is not None:
                await also(tx, events)

        draft = Draft(kind, wording.replacing(shown, target.event_id), relates_to=target)
        proposal = Proposal(publisher.user_id, publisher.account_no, [draft], post.room_no, txn=txn, also=edited)
        return (await self._rooms.append(proposal)).event_ids[0]

    async def set_commenters(self, ref: Ref, comments_by: str) -> None:
        """Open or close a post for comments; its wording stays."""
        async with self._database.transaction() as tx:
            await store.require_standing(tx, ref)
            await store.set_commenters(tx, ref, comments_by)
            self.editions.changed(tx, ref.account_no)

    async def delete(self, publisher: Publisher, ref: Ref, reason: str = "", txn: Txn | None = None) -> str:
        """Delete a post with all its wordings and what was said of it; the redaction's event id. Its number stays."""
        async with self.alone(publisher):
            earlier = await self.answered(publisher, txn)
            if earlier is not None:
                return earlier
            post = await self.standing(ref)
            body = {"reason": reason} if reason else {}
            drafts = [
                Draft("m.room.redaction", {**body, "redacts": each.event_id}, redacts=each)
                for each in await self._events(post)
            ]
            if await self._accounts.pinned(ref.account_no) == ref.number:
                drafts.append(Draft("m.room.pinned_events", {"pinned": []}, ""))

            async def deleted(tx: Transaction, events: Sequence[StoredEvent]) -> None:
                if not await store.set_fate(tx, ref, Fate.STANDS, Fate.DELETED, self._clock.now_ms()):
                    raise NotFound("The post is gone.")
                await store.erase(tx, post)
                await self.erasing.begin(tx, post)
                await self.media.hide(tx, ref)
                await self._accounts.unpin(tx, ref.account_no, ref.number)
                self.editions.changed(tx, ref.account_no)
                if post.of is not None:
                    await store.count(tx, post.of, "reposts", -1)
                for listener in self.listeners:
                    await listener.deleted(tx, post)

            proposal = Proposal(
                publisher.user_id, publisher.account_no, drafts, post.room_no, txn=txn, also=deleted
            )  # fmt: skip
            return (await self._rooms.append(proposal)).event_ids[0]

    async def find(self, ref: Ref) -> Post:
        """A post, standing or gone; raises NotFound for a number that was never given."""
        post = await store.one(self._database, ref)
        if post is None:
            raise NotFound("There is no such post.")
        return post

    async def find_numbered(self, account_no: int, number: int) -> Post:
        """The same by account and number."""
        return await self.find(Ref(account_no, number))

    async def standing(self, ref: Ref) -> Post:
        """A post that can be read; raises NotFound otherwise."""
        return require(await self.find(ref))

    async def of_account(self, account_no: int, before: int, limit: int) -> list[Post]:
        """An account's posts below a number, newest first."""
        return await store.of_account(self._database, account_no, before, limit)

    async def at(self, positions: Sequence[int]) -> dict[int, Post]:
        """Posts by the positions of their events."""
        return await store.at(self._database, positions)

    async def these(self, refs: Collection[Ref]) -> dict[Ref, Post]:
        """Posts by their places, standing or gone."""
        return await store.these(self._database, refs)

    async def versions(self, ref: Ref) -> list[Version]:
        """Every wording of a standing post, newest first."""
        await self.standing(ref)
        return await store.versions(self._database, ref, VERSIONS_MAX)

    async def original(self, content: PostContent) -> tuple[Publisher, Post] | None:
        """The account and the post that a repost carries on, as they are now; None when it is none."""
        return await self._reposts.original(content)

    def alone(self, publisher: Publisher) -> asyncio.Lock:
        """Held while an account's posts are written."""
        lock = self._writing.get(publisher.account_no)
        if lock is None:
            lock = self._writing[publisher.account_no] = asyncio.Lock()
        return lock

    async def _append(
        self, publisher: Publisher, author_no: int, content: PostContent, of: Post | None, number: int,
        txn: Txn | None, also: Also | None,
    ) -> Post:  # fmt: skip
        address = self.address(publisher.handle, number)
        kind, shown = wording.event(publisher, number, content, address)
        shown |= carries(content)
        made: list[Post] = []

        async def posted(tx: Transaction, events: Sequence[StoredEvent]) -> None:
            if not await self._accounts.posted(tx, publisher.account_no, number, news=not content.written_ms):
                raise NumberTaken("The number is taken.")
            event = events[0]
            post = Post(
                publisher.account_no, number, event.pos, publisher.room_no, author_no, kind_of(content),
                event.origin_server_ts, 0, Fate.STANDS, 0, None if of is None else of.ref, content.comments,
                Counts(0, 0, 0, 0), content,
            )  # fmt: skip
            await store.insert(tx, post, content)
            await store.insert_version(tx, post.ref, Version(0, post.created_ms, "", content))
            await self.media.show(tx, post.ref, checking.files(content))
            self.editions.changed(tx, publisher.account_no)
            tags = wording.tags(content)
            if tags:
                await store.set_tags(tx, post.pos, tags)
            if of is not None:
                await self._reposts.carry_on(tx, post, of)
            for listener in self.listeners:
                await listener.posted(tx, post)
            if also is not None:
                await also(tx, events)
            made.append(post)

        draft = Draft(kind, shown)
        proposal = Proposal(
            publisher.user_id, publisher.account_no, [draft], publisher.room_no, txn=txn, also=posted
        )  # fmt: skip
        appended = await self._rooms.append(proposal)
        if made:
            return made[0]
        pos = self._rooms.eventlog.identifiers.position(appended.event_ids[0])
        assert pos is not None  # a retry: the post of the first try
        return (await store.at(self._database, [pos]))[pos]

    async def _events(self, post: Post) -> list[Target]:
        """A post's event and those that replaced what it says, as targets."""
        identifiers = self._rooms.eventlog.identifiers
        state = await self._rooms.eventlog.state(post.room_no)
        assert state is not None
        rows = await self._database.fetch(
            "SELECT pos FROM relations WHERE room_no = ? AND parent_pos = ? AND rel_type = 'm.replace' "
            "ORDER BY pos LIMIT ?",
            post.room_no, post.pos, EDITS_MAX,
        )  # fmt: skip
        edits = [await self._rooms.target(state, identifiers.event_id(pos, post.room_no)) for (pos,) in rows]
        return [await self.target(post), *(edit for edit in edits if edit is not None)]

    async def target(self, post: Post) -> Target:
        """A post's event, for others to point at."""
        state = await self._rooms.eventlog.state(post.room_no)
        assert state is not None
        target = await self._rooms.target(state, self._rooms.eventlog.identifiers.event_id(post.pos, post.room_no))
        assert target is not None
        return target

    def event_id(self, post: Post) -> str:
        """The id of a post's event."""
        return self._rooms.eventlog.identifiers.event_id(post.pos, post.room_no)
