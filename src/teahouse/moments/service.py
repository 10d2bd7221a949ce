"""Publishing moments, changing whom they are for, deleting them, and reading them through Teahouse's own API."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from teahouse.clock import Clock
from teahouse.db import Database, Transaction
from teahouse.errors import Conflict, Forbidden, InvalidParam, NotFound, StorageFull
from teahouse.eventlog.state import RoomState
from teahouse.eventlog.types import Draft, Proposal, StoredEvent, Txn
from teahouse.media.types import Media
from teahouse.moments import deeds_store, store, types, wording
from teahouse.moments.audience import Audience, Standing, Version, may_see, shown_by, widens
from teahouse.moments.circles import Circles, Journals
from teahouse.moments.journal import Told
from teahouse.moments.readers import Readers
from teahouse.moments.types import DAY_MS, MARK, Moment, MomentContent
from teahouse.posts.checking import Upload
from teahouse.rooms.creation import CreateRoom, Creation, StateInput
from teahouse.rooms.service import Rooms
from teahouse.rooms.types import Reader

AUTHORS_READ = 16  # authors whose moments are merged by one read of the feed
SCANNED_MAX = 2_000  # moments judged for one page: where few are for the reader the page is short and goes on
NEWEST = 1 << 62
ERASED_AT_ONCE = 100  # files erased by one round
# Only the author writes, and only through what publishes. Clients go by these levels when they offer friends to like.
POWER_LEVELS = {
    "events_default": 100, "state_default": 100, "invite": 100, "kick": 100, "ban": 100, "redact": 100,
    "events": {"m.reaction": 0, "m.room.redaction": 0},
}  # fmt: skip


class MediaKeeper(Protocol):
    """What moments need of the media slice."""

    async def find(self, content_uri: str) -> Media | None:
        """The content of an `mxc://` URI of this server; None when it has none, or not yet."""

    async def erase(self, media_id: str) -> None:
        """Remove an upload for good."""


class PublicFiles(Protocol):
    """What moments need to know of public posts."""

    async def is_public(self, media_id: str) -> bool:
        """Whether something public refers to a media id now."""


@dataclass(frozen=True, slots=True)
class Page:
    """Moments, newest first, and the position to go on before; None at the end."""

    moments: Sequence[Moment]
    before: int | None


class Moments:
    """Moments of all users."""

    def __init__(
        self, database: Database, clock: Clock, rooms: Rooms, creation: Creation, media: MediaKeeper,
        public: PublicFiles, circles: Circles, journals: Journals, readers: Readers,
    ) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._rooms = rooms
        self._creation = creation
        self._media = media
        self._public = public
        self._circles = circles
        self._journals = journals
        self._readers = readers

    def moment_id(self, moment: Moment, room_no: int) -> str:
        """A moment's id: that of the event that published it."""
        return self._rooms.eventlog.identifiers.event_id(moment.pos, room_no)

    async def id_of(self, moment: Moment) -> str:
        """The same where the room is not at hand."""
        room_no = await self.room_no(moment.author_no)
        assert room_no is not None
        return self.moment_id(moment, room_no)

    async def room_no(self, author_no: int) -> int | None:
        """The room of somebody's moments; None before the first."""
        journal = await self._journals.of(author_no)
        return None if journal is None else journal.room_no

    async def publish(
        self, author: Reader, content: MomentContent, audience: Audience, txn: Txn | None = None
    ) -> Moment:
        """Publish a moment. With `txn` a retry finds the same one."""
        content = wording.checked(content)
        check_audience(audience)
        content, media_ids = await self._uploaded(author, content)
        room_no = await self._room(author)
        friends = (await self._circles.of(author.user_no)).friends
        made: list[Moment] = []

        async def also(tx: Transaction, events: Sequence[StoredEvent]) -> None:
            event = events[0]
            moment = Moment(event.pos, author.user_no, event.origin_server_ts, audience, content)
            await store.insert(tx, moment, media_ids)
            if await store.count(tx, author.user_no, 1) > types.MOMENTS_MAX:
                raise Forbidden(f"You have the most moments one can have, {types.MOMENTS_MAX:,}: delete some first.")
            made.append(moment)
            told = Told(moment.pos, moment.created_ms, [Version(moment.pos, audience)])
            tx.on_commit(lambda: self._journals.change(author.user_no, lambda each: each.tell(told), anew=False))
            tx.on_commit(lambda: self._circles.look_all(friends, author.user_no))

        draft = Draft("m.room.message", wording.event(author.user_id, content))
        drafts = [draft, *await self._renamed(author, room_no)]
        appended = await self._rooms.append(
            Proposal(author.user_id, author.user_no, drafts, room_no, txn=txn, also=also)
        )
        if made:
            return made[0]
        found = await self._at(appended.event_ids[0])  # a retry: the moment of the first try
        if found is None:
            raise NotFound("This moment was deleted.")
        return found

    async def change_audience(self, author: Reader, moment_id: str, audience: Audience) -> Moment:
        """Change whom a moment is for.

        Whoever is let in by it is shown the moment by an event of their own; whoever is let in no more is denied what
        they may have seen before.
        """
        check_audience(audience)
        moment = await self.own(author, moment_id)
        if audience == moment.audience:
            return moment
        if len(await self._versions(moment)) >= types.AUDIENCES_MAX:
            raise Forbidden(f"A moment's audience can be changed {types.AUDIENCES_MAX} times.")
        if not widens(moment.audience, audience):
            async with self._database.transaction() as tx:
                await self._set_audience(tx, moment, audience, tx.positions(), 0)
            return replace(moment, audience=audience)
        room_no = await self._room(author)
        friends = (await self._circles.of(author.user_no)).friends

        async def also(tx: Transaction, events: Sequence[StoredEvent]) -> None:
            await self._set_audience(tx, moment, audience, events[0].pos, events[0].pos)
            tx.on_commit(lambda: self._circles.look_all(friends, author.user_no))

        draft = Draft("m.room.message", wording.event(author.user_id, moment.content))
        await self._rooms.append(Proposal(author.user_id, author.user_no, [draft], room_no, also=also))
        return replace(moment, audience=audience)

    async def delete(self, author: Reader, moment_id: str, txn: Txn | None = None) -> str:
        """Delete a moment with all that was said of it; the redaction's event id."""
        moment = await self.own(author, moment_id)
        room_no = await self._room(author)
        state = await self._state(room_no)
        identifiers = self._rooms.eventlog.identifiers
        drafts = []
        for pos in await store.events_of(self._database, moment):
            target = await self._rooms.target(state, identifiers.event_id(pos, room_no))
            assert target is not None
            drafts.append(Draft("m.room.redaction", {"redacts": target.event_id}, redacts=target))

        async def also(tx: Transaction, events: Sequence[StoredEvent]) -> None:
            first, last = events[0].pos, events[-1].pos
            if await store.events_of(tx, moment) != [draft.redacts.pos for draft in drafts if draft.redacts]:
                raise Conflict("The moment changed meanwhile; try again.")
            if not await store.erase(tx, moment, first, last):
                raise NotFound("This moment was deleted.")
            await store.count(tx, author.user_no, -1)
            tx.on_commit(lambda: self._gone(moment, first, last))

        proposal = Proposal(author.user_id, author.user_no, drafts, room_no, txn=txn, also=also)
        event_id = (await self._rooms.append(proposal)).event_ids[0]
        await self.erase_media()
        return event_id

    async def erase_by(self, user_no: int) -> None:
        """Delete everything that somebody said in moments: their own, and their likes and comments on others'."""
        author = Reader(user_no, await self._rooms.users.user_id(user_no))
        while moments := await store.newest(self._database, [user_no], NEWEST, AUTHORS_READ):
            for moment in moments:
                await self.delete(author, await self.id_of(moment))
        async with self._database.transaction() as tx:
            await deeds_store.erase_by(tx, user_no)

    async def run(self) -> None:
        """Remove what an earlier process left to remove."""
        with contextlib.suppress(StorageFull):  # which must not keep the server from starting
            await self.erase_media()

    async def erase_media(self) -> None:
        """Remove the files that deleted moments held. What a stop interrupts the next round, or start, does."""
        while media_ids := await store.unheld_media(self._database, ERASED_AT_ONCE):
            for media_id in media_ids:
                if not await self._public.is_public(media_id):  # the author may have published it, too
                    await self._media.erase(media_id)
            async with self._database.transaction() as tx:
                await store.unbind(tx, media_ids)

    async def own(self, author: Reader, moment_id: str) -> Moment:
        """One of somebody's own moments; raises NotFound."""
        moment = await self._at(moment_id)
        if moment is None or moment.author_no != author.user_no:
            raise NotFound("You have no such moment.")
        return moment

    async def one(self, reader_no: int, moment_id: str) -> Moment:
        """A moment that somebody may see, by the id of any event that shows it. Raises NotFound."""
        moment = await self._at(moment_id)
        if moment is None or not await self.may_see(reader_no, moment):
            raise NotFound("There is no such moment, or it is not for you.")
        return moment

    async def shown_by(self, reader_no: int, moment_pos: int) -> int:
        """The position of the event by which a reader sees a moment; that of the moment itself for one who does not."""
        moment = await store.one(self._database, moment_pos)
        journal = None if moment is None else await self._journals.of(moment.author_no)
        told = None if journal is None else journal.moments.get(moment_pos)
        if journal is None or told is None:
            return moment_pos
        standing = self._readers.standing(await self._circles.of(reader_no), journal)
        return shown_by(told.versions, standing) or moment_pos

    async def standing(self, pos: int) -> Moment | None:
        """A moment that stands, by its position, whoever may see it."""
        return await store.one(self._database, pos)

    async def may_see(self, reader_no: int, moment: Moment) -> bool:
        """Whether somebody may see a moment, now."""
        return bool(await self._seen(reader_no, [moment]))

    async def may_read(self, media_id: str, user_no: int) -> bool:
        """Whether somebody may read a file: for one that moments hold, whoever may see one of those."""
        held = await store.bound_to(self._database, media_id)
        if not held or await self._public.is_public(media_id):
            return True
        return bool(await self._seen(user_no, [moment for _, moment in held if moment is not None]))

    async def feed(self, reader_no: int, before: int, limit: int) -> Page:
        """One's friends' moments and one's own, newest first."""
        return await self._page(reader_no, None, before, limit)

    async def of_author(self, reader_no: int, author_no: int, before: int, limit: int) -> Page:
        """One person's moments, as far as a reader may see them, newest first."""
        return await self._page(reader_no, author_no, before, limit)

    async def _uploaded(self, author: Reader, content: MomentContent) -> tuple[MomentContent, list[str]]:
        """The content with its files as the server knows them, and their ids. They must be the author's own: who holds
        a file decides who reads it.
        """
        uploads: dict[str, Upload] = {}
        media_ids = []
        for each in content.media:
            media = await self._media.find(each.url)
            if media is None or media.user_no != author.user_no:
                raise InvalidParam(f"Upload {each.url} first: there is no such file of yours on this server.")
            uploads[each.url] = Upload(media.content_type.partition(";")[0].strip().lower(), media.size_bytes)
            media_ids.append(media.media_id)
        return wording.described(content, uploads), media_ids

    async def _page(self, reader_no: int, author_no: int | None, before: int, limit: int) -> Page:
        found: list[Moment] = []
        judged = 0
        while judged < SCANNED_MAX:
            authors = [author_no] if author_no is not None else (
                await store.newest_of_friends(self._database, reader_no, before, AUTHORS_READ)
            )  # fmt: skip
            # The newest of so many moments are all of these authors: each of them has one, and nobody else a newer one.
            newest = await store.newest(self._database, authors, before, AUTHORS_READ)
            if not newest:
                return Page(found, None)
            judged += len(newest)
            seen = await self._seen(reader_no, newest)
            for moment in newest:
                before = moment.pos
                if moment.pos in seen:
                    found.append(moment)
                    if len(found) >= limit:
                        return Page(found, before)
        return Page(found, before)

    async def _seen(self, reader_no: int, moments: Sequence[Moment]) -> Collection[int]:
        """The positions of those moments that a reader may see."""
        authors = sorted({moment.author_no for moment in moments})
        if not authors:
            return ()
        days, hidden = await store.rules_of(self._database, authors, reader_no)
        friends = await store.are_friends(self._database, reader_no, authors)
        now_ms = self._clock.now_ms()
        standings = {
            author_no: Standing(
                reader_no, author_no == reader_no, author_no in friends, author_no in hidden,
                now_ms - days[author_no] * DAY_MS if days.get(author_no) else 0,
            )
            for author_no in authors
        }  # fmt: skip
        return {
            moment.pos for moment in moments if may_see(moment.audience, moment.created_ms, standings[moment.author_no])
        }

    async def _at(self, moment_id: str) -> Moment | None:
        pos = self._rooms.eventlog.identifiers.position(moment_id)
        return None if pos is None else await store.shown_at(self._database, pos)

    async def _versions(self, moment: Moment) -> Sequence[Version]:
        journal = await self._journals.of(moment.author_no)
        told = None if journal is None else journal.moments.get(moment.pos)
        return () if told is None else told.versions

    async def _set_audience(self, tx: Transaction, moment: Moment, audience: Audience, at: int, event_pos: int) -> None:
        if not await store.set_audience(tx, moment, audience, at, event_pos):
            raise Conflict("The moment changed meanwhile; try again.")

        def changed() -> None:
            self._journals.change(
                moment.author_no, lambda journal: journal.admit(moment.pos, Version(event_pos, audience))
            )

        tx.on_commit(changed)

    def _gone(self, moment: Moment, first: int, last: int) -> None:
        self._journals.change(moment.author_no, lambda journal: journal.end(moment.pos, first, last))

    async def _state(self, room_no: int) -> RoomState:
        state = await self._rooms.eventlog.state(room_no)
        assert state is not None
        return state

    async def _room(self, author: Reader) -> int:
        """The author's room, made on demand."""
        room_no = await store.room_of(self._database, author.user_no)
        if room_no is not None:
            return room_no
        with contextlib.suppress(Conflict):  # their other device was faster
            await self._make(author)
        room_no = await store.room_of(self._database, author.user_no)
        assert room_no is not None
        return room_no

    async def _make(self, author: Reader) -> None:
        profile = await self._rooms.users.profile(author.user_no)
        name = named(author, profile)
        state = [
            StateInput("m.room.guest_access", {"guest_access": "forbidden"}),
            StateInput(MARK, {"author": author.user_id}),
        ]
        if isinstance(profile.get("avatar_url"), str):
            state.append(StateInput("m.room.avatar", {"url": profile["avatar_url"]}))
        wish = CreateRoom(
            name=wording.room_name(name), topic=wording.room_topic(name), preset="private_chat",
            creation_content={"m.federate": False}, initial_state=state, power_level_content_override=POWER_LEVELS,
        )  # fmt: skip

        async def keep(tx: Transaction, events: Sequence[StoredEvent]) -> None:
            if not await store.insert_author(tx, author.user_no, events[0].room_no):
                raise Conflict("The room is there already.")
            await self._readers.tag(tx, author.user_no, events[0].room_no)

        await self._creation.create(author, wish, keep)

    async def _renamed(self, author: Reader, room_no: int) -> list[Draft]:
        """What brings the room's name and picture up to the author's."""
        state = await self._state(room_no)
        profile = await self._rooms.users.profile(author.user_no)
        name = named(author, profile)
        drafts = []
        if state.text("m.room.name", "name") != wording.room_name(name):
            drafts.append(Draft("m.room.name", {"name": wording.room_name(name)}, ""))
            drafts.append(Draft("m.room.topic", {"topic": wording.room_topic(name)}, ""))
        picture = profile.get("avatar_url")
        if isinstance(picture, str) and picture and state.text("m.room.avatar", "url") != picture:
            drafts.append(Draft("m.room.avatar", {"url": picture}, ""))
        return drafts


def named(author: Reader, profile: Any) -> str:
    """What to call an author."""
    name = profile.get("displayname")
    return name if isinstance(name, str) and name.strip() else author.user_id


def check_audience(audience: Audience) -> None:
    """Raises InvalidParam for an audience that names too many."""
    if len(audience.named) > types.NAMED_MAX:
        raise InvalidParam(f"An audience names at most {types.NAMED_MAX:,} people.")
