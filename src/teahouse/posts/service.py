"""Publishing: a post is an event in its account's channel, and rows that pages, feeds and counts are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol
from urllib.parse import quote

from msgspec import structs

from teahouse.clock import Clock
from teahouse.db import Database, Transaction
from teahouse.errors import Conflict, Forbidden, InvalidParam, NotFound
from teahouse.eventlog.types import Also, Draft, Proposal, StoredEvent, Target, Txn
from teahouse.posts import store, wording
from teahouse.posts.editions import Editions
from teahouse.posts.types import Counts, Fate, Post, PostContent, Publisher, Ref, Version, kind_of
from teahouse.rooms.service import Rooms

REPOST = "io.teahouse.repost"  # content of a repost's event: the account and number of the original
VERSIONS_MAX = 100  # wordings of one post: the first and its edits
CORRECTION_MAX_CHARACTERS = 500  # what a correction notice says
TRIES_MAX = 5  # for a number that another post of the account took meanwhile


class NumberTaken(Conflict):
    """Another post of the account took the number; the next one is tried."""


class Accounts(Protocol):
    """What posts need of public accounts."""

    async def publisher(self, account_no: int) -> Publisher | None:
        """An account by its number."""

    async def publisher_named(self, handle: str) -> Publisher | None:
        """An account by its handle."""

    async def posted(self, tx: Transaction, account_no: int, number: int) -> bool:
        """Move the account's newest number from the one before to `number`; False when it stands elsewhere."""

    async def newest(self, account_no: int) -> int:
        """The number of the account's newest post; 0 for none."""


class Posts:
    """Posts of all accounts."""

    def __init__(self, database: Database, clock: Clock, rooms: Rooms, accounts: Accounts, public_url: str) -> None:
        self._database = database
        self._clock = clock
        self._rooms = rooms
        self._accounts = accounts
        self._public_url = public_url.rstrip("/")
        self.editions = Editions()

    def address(self, handle: str, number: int) -> str:
        """Where everybody can read a post. Without `public_url` in the configuration: from the server's root."""
        return f"{self._public_url}/@{quote(handle, safe='')}/{number}"

    async def publish(
        self, publisher: Publisher, author_no: int, content: PostContent, txn: Txn | None = None,
        also: Also | None = None,
    ) -> Post:  # fmt: skip
        """Publish; the post. With `txn` a retry finds the same post. `also` writes more in the same transaction."""
        return await self._publish(publisher, author_no, wording.checked(content), txn, also)

    async def publish_imported(
        self, publisher: Publisher, author_no: int, content: PostContent, written_ms: int, also: Also
    ) -> Post:
        """Publish what was published elsewhere at `written_ms`: it shows that date, and alerts nobody."""
        content = structs.replace(wording.checked(content), written_ms=written_ms)
        return await self._publish(publisher, author_no, content, None, also)

    async def _publish(
        self, publisher: Publisher, author_no: int, content: PostContent, txn: Txn | None, also: Also | None
    ) -> Post:
        of = await self._original(content)
        for _ in range(TRIES_MAX):
            number = await self._accounts.newest(publisher.account_no) + 1
            try:
                return await self._append(publisher, author_no, content, of, number, txn, also)
            except NumberTaken:
                continue
        raise Conflict("Too many posts of this account at once; try again.")

    async def edit(
        self, publisher: Publisher, ref: Ref, content: PostContent, correction: str = "", txn: Txn | None = None
    ) -> str:
        """Put a post into other words; the edit's event id. Readers can see every wording. A correction says why."""
        content = wording.checked(content)
        post = await self.standing(ref)
        before = post.content or PostContent()
        content = structs.replace(content, written_ms=before.written_ms)
        if content.repost != before.repost or content.poll != before.poll:
            raise InvalidParam("An edit changes neither what a post carries on nor what its readers vote about.")
        wording.limit(correction, CORRECTION_MAX_CHARACTERS, "A correction")
        if post.version + 1 >= VERSIONS_MAX:
            raise Forbidden(f"A post has at most {VERSIONS_MAX} wordings.")
        version = Version(post.version + 1, self._clock.now_ms(), correction.strip(), content)
        state, target = await self._event(post)
        address = self.address(publisher.handle, post.number)
        kind, shown = wording.event(publisher, post.number, content, address)
        shown |= carries(content)
        relates = {"rel_type": "m.replace", "event_id": target.event_id}
        body = shown | {"m.new_content": shown, "m.relates_to": relates}
        if "body" in shown:
            body["body"] = f"* {shown['body']}"

        async def edited(tx: Transaction, events: Sequence[StoredEvent]) -> None:
            if not await store.set_fate(tx, ref, Fate.STANDS, Fate.STANDS, 0):
                raise NotFound("The post is gone.")
            await store.insert_version(tx, ref, version)
            await store.set_current(tx, ref, version, kind_of(content))
            await store.set_tags(tx, post.pos, wording.tags(content))
            self.editions.changed(tx, ref.account_no)

        draft = Draft(kind, body, relates_to=target)
        proposal = Proposal(publisher.user_id, publisher.account_no, [draft], state, txn=txn, also=edited)
        return (await self._rooms.append(proposal)).event_ids[0]

    async def delete(self, publisher: Publisher, ref: Ref, reason: str = "", txn: Txn | None = None) -> str:
        """Delete a post with all its wordings and what was said of it; the redaction's event id. Its number stays."""
        post = await self.standing(ref)
        state, target = await self._event(post)
        rows = await self._database.fetch(
            "SELECT pos FROM relations WHERE room_no = ? AND parent_pos = ? AND rel_type = 'm.replace' "
            "ORDER BY pos LIMIT ?",
            post.room_no, post.pos, VERSIONS_MAX,
        )  # fmt: skip
        targets = [target]
        room = await self._rooms.eventlog.state(post.room_no)
        assert room is not None
        for (pos,) in rows:
            edit = await self._rooms.target(room, self._rooms.eventlog.identifiers.event_id(pos, post.room_no))
            if edit is not None:
                targets.append(edit)

        async def deleted(tx: Transaction, events: Sequence[StoredEvent]) -> None:
            if not await store.set_fate(tx, ref, Fate.STANDS, Fate.DELETED, self._clock.now_ms()):
                raise NotFound("The post is gone.")
            await store.erase(tx, post)
            self.editions.changed(tx, ref.account_no)
            if post.of is not None:
                await store.count(tx, post.of, "reposts", -1)

        body = {"reason": reason} if reason else {}
        drafts = [Draft("m.room.redaction", {**body, "redacts": each.event_id}, redacts=each) for each in targets]
        proposal = Proposal(publisher.user_id, publisher.account_no, drafts, state, txn=txn, also=deleted)
        return (await self._rooms.append(proposal)).event_ids[0]

    async def remove(self, tx: Transaction, ref: Ref, now_ms: int) -> None:
        """Take a post out of sight by a decision: the one door for moderation. Nothing of it is lost; see `restore`."""
        if not await store.set_fate(tx, ref, Fate.STANDS, Fate.REMOVED, now_ms):
            raise NotFound("There is no such post.")
        self.editions.changed(tx, ref.account_no)

    async def restore(self, tx: Transaction, ref: Ref) -> None:
        """Undo `remove` exactly."""
        if not await store.set_fate(tx, ref, Fate.REMOVED, Fate.STANDS, 0):
            raise NotFound("The post was not removed.")
        self.editions.changed(tx, ref.account_no)

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
        post = await self.find(ref)
        if post.fate is Fate.DELETED:
            raise NotFound("This post was deleted by its owner.")
        if post.fate is Fate.REMOVED:
            raise NotFound("This post was removed by a decision of this server's moderators.")
        return post

    async def of_account(self, account_no: int, before: int, limit: int) -> list[Post]:
        """An account's posts below a number, newest first."""
        return await store.of_account(self._database, account_no, before, limit)

    async def at(self, positions: Sequence[int]) -> dict[int, Post]:
        """Posts by the positions of their events."""
        return await store.at(self._database, positions)

    async def versions(self, ref: Ref) -> list[Version]:
        """Every wording of a standing post, newest first."""
        await self.standing(ref)
        return await store.versions(self._database, ref, VERSIONS_MAX)

    async def original(self, content: PostContent) -> tuple[Publisher, Post] | None:
        """The account and the post that a repost carries on, as they are now; None when it is none."""
        if content.repost is None:
            return None
        publisher = await self._accounts.publisher_named(content.repost.account)
        if publisher is None:
            return None
        post = await store.one(self._database, Ref(publisher.account_no, content.repost.number))
        return None if post is None else (publisher, post)

    async def _original(self, content: PostContent) -> Post | None:
        """The standing post that a new post carries on."""
        if content.repost is None:
            return None
        found = await self.original(content)
        if found is None:
            raise NotFound("There is no post to carry on.")
        post = await self.standing(found[1].ref)
        if post.of is not None:
            raise InvalidParam("Carry on the original post: this one is a repost itself.")
        return post

    async def _append(
        self, publisher: Publisher, author_no: int, content: PostContent, of: Post | None, number: int,
        txn: Txn | None, also: Also | None,
    ) -> Post:  # fmt: skip
        address = self.address(publisher.handle, number)
        kind, shown = wording.event(publisher, number, content, address)
        shown |= carries(content)
        made: list[Post] = []

        async def posted(tx: Transaction, events: Sequence[StoredEvent]) -> None:
            if not await self._accounts.posted(tx, publisher.account_no, number):
                raise NumberTaken("The number is taken.")
            event = events[0]
            post = Post(
                publisher.account_no, number, event.pos, publisher.room_no, author_no, kind_of(content),
                event.origin_server_ts, 0, Fate.STANDS, 0, None if of is None else of.ref, content.comments,
                Counts(0, 0, 0, 0), content,
            )  # fmt: skip
            await store.insert(tx, post, content.language)
            await store.insert_version(tx, post.ref, Version(0, post.created_ms, "", content))
            self.editions.changed(tx, publisher.account_no)
            tags = wording.tags(content)
            if tags:
                await store.set_tags(tx, post.pos, tags)
            if of is not None:
                await store.count(tx, of.ref, "reposts", 1)
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

    async def _event(self, post: Post) -> tuple[int, Target]:
        """A post's room, and its event as a target."""
        state = await self._rooms.eventlog.state(post.room_no)
        assert state is not None
        target = await self._rooms.target(state, self._rooms.eventlog.identifiers.event_id(post.pos, post.room_no))
        assert target is not None
        return post.room_no, target

    def event_id(self, post: Post) -> str:
        """The id of a post's event."""
        return self._rooms.eventlog.identifiers.event_id(post.pos, post.room_no)


def carries(content: PostContent) -> dict[str, Any]:
    """What the event of a repost says of the post it carries on."""
    if content.repost is None:
        return {}
    return {REPOST: {"account": content.repost.account, "number": content.repost.number}}
