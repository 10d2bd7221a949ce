"""Likes and comments: seen by the author and by common friends, and by nobody else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from teahouse.clock import Clock
from teahouse.db import Database, Transaction
from teahouse.errors import Forbidden, InvalidParam, NotFound
from teahouse.eventlog.identifiers import BUCKET_BITS, bucket_of, number_at
from teahouse.moments import deeds_store, store, types
from teahouse.moments.circles import Circles
from teahouse.moments.service import Moments
from teahouse.moments.types import NO_DEEDS, Comment, Deeds, Moment, Notice
from teahouse.posts.wording import limit
from teahouse.rooms.types import Reader

EMOJI_MAX_BYTES = 64  # of the emoji somebody likes with
DEFAULT_EMOJI = "❤️"
UNSEEN_MAX = 999  # notices counted


class MomentDeeds:
    """What people do with moments."""

    def __init__(self, database: Database, clock: Clock, moments: Moments, circles: Circles) -> None:
        self._database = database
        self._clock = clock
        self._moments = moments
        self._circles = circles

    async def like(self, reader: Reader, moment: Moment, emoji: str = DEFAULT_EMOJI) -> int:
        """Like a moment that one may see; the position of the like. Liking again changes nothing."""
        if not emoji or len(emoji.encode()) > EMOJI_MAX_BYTES:
            raise InvalidParam("A like is one emoji.")
        async with self._database.transaction() as tx:
            if await store.one(tx, moment.pos) is None:
                raise NotFound("This moment was deleted.")
            before = await deeds_store.like(tx, moment.pos, reader.user_no)
            if before is not None and not before[2]:
                return int(before[1])
            pos = tx.positions()
            await deeds_store.put_like(
                tx, moment.pos, moment.author_no, reader.user_no, emoji, pos, self._clock.now_ms()
            )
            if reader.user_no != moment.author_no:
                deed = Comment(0, moment.pos, 0, reader.user_no, 0, "")
                await deeds_store.notify(tx, moment.author_no, pos, "like", deed)
            await self._news(tx, reader, moment, pos)
        return pos

    async def unlike(self, reader: Reader, moment: Moment) -> int:
        """Take a like back; the position of doing so. 0 when there was none."""
        async with self._database.transaction() as tx:
            before = await deeds_store.like(tx, moment.pos, reader.user_no)
            if before is None or before[2]:
                return 0
            pos = tx.positions()
            await deeds_store.end_like(tx, moment.pos, reader.user_no, pos)
            await deeds_store.unnotify(tx, moment.author_no, before[1])
            await self._news(tx, reader, moment, pos)
        return pos

    async def comment(self, reader: Reader, moment: Moment, body: str, parent_no: int = 0) -> Comment:
        """Say something of a moment that one may see, or answer a comment on it that one may see."""
        text = body.strip()
        if not text:
            raise InvalidParam("A comment must say something.")
        limit(text, types.COMMENT_MAX_CHARACTERS, "A comment")
        parent = await self._parent(reader, moment, parent_no)
        async with self._database.transaction() as tx:
            pos = tx.positions()
            number = number_at(pos, bucket_of(reader.user_no))
            made = Comment(number, moment.pos, parent_no, reader.user_no, self._clock.now_ms(), text)
            if not await deeds_store.insert_comment(tx, made, types.COMMENTS_MAX):
                raise Forbidden(f"This moment is gone, or has the most comments, {types.COMMENTS_MAX:,}.")
            told = {moment.author_no: "comment"} | ({} if parent is None else {parent.user_no: "answer"})
            for user_no, kind in told.items():
                if user_no != reader.user_no:
                    await deeds_store.notify(tx, user_no, pos, kind, made)
        return made

    async def comments(self, reader_no: int, moment: Moment, after: int, count: int) -> list[Comment]:
        """The comments on a moment that a reader may see, oldest first, after a comment's number."""
        return await deeds_store.comments(self._database, moment.pos, reader_no, after, count)

    async def delete_comment(self, reader: Reader, comment_no: int) -> None:
        """Delete one's own comment, or anybody's on one's own moment, with its answers."""
        made = await deeds_store.comment(self._database, comment_no, reader.user_no)
        moment = None if made is None else await store.one(self._database, made.moment_pos)
        if made is None or moment is None:
            raise NotFound("There is no such comment.")
        if made.user_no != reader.user_no:
            if not await self._moments.may_see(reader.user_no, moment):
                raise NotFound("There is no such comment.")
            if moment.author_no != reader.user_no:
                raise Forbidden("A comment is deleted by who wrote it, or by the author of the moment.")
        async with self._database.transaction() as tx:
            if not await deeds_store.delete_comment(tx, made):
                raise NotFound("There is no such comment.")

    async def seen(self, reader_no: int, moments: Sequence[Moment]) -> dict[int, Deeds]:
        """What a reader may see of what was done with moments that they may see, by position."""
        positions = [moment.pos for moment in moments]
        likes = await deeds_store.likers(self._database, positions, reader_no)
        comments = await deeds_store.counted_comments(self._database, positions, reader_no)
        found = {}
        for pos in positions:
            number, likers = likes.get(pos, (0, []))
            own = await deeds_store.like(self._database, pos, reader_no) if number else None
            liked = own is not None and not own[2]
            found[pos] = Deeds(number, comments.get(pos, 0), likers, liked) if number or pos in comments else NO_DEEDS
        return found

    async def notices(self, user_no: int, before: int, count: int) -> tuple[list[Notice], int]:
        """What others did with one's moments and comments, newest first; and how many one has not seen."""
        seen = (await store.settings(self._database, user_no)).seen
        return (
            await deeds_store.notices(self._database, user_no, before, count),
            await deeds_store.unseen(self._database, user_no, seen, UNSEEN_MAX),
        )

    async def see(self, user_no: int, pos: int) -> None:
        """Note that notices up to a position were seen."""
        async with self._database.transaction() as tx:
            settings = await store.settings(tx, user_no)
            if pos > settings.seen:
                await store.set_settings(tx, user_no, replace(settings, seen=pos))

    async def liked_at(self, reader: Reader, author_no: int, pos: int) -> int | None:
        """The moment that a reader liked at a position."""
        return await deeds_store.liked_at(self._database, reader.user_no, author_no, pos)

    async def _parent(self, reader: Reader, moment: Moment, parent_no: int) -> Comment | None:
        if not parent_no:
            return None
        parent = await deeds_store.comment(self._database, parent_no, reader.user_no)
        if parent is None or parent.moment_pos != moment.pos:
            raise NotFound("There is no such comment on this moment.")
        if parent.parent_no:
            raise InvalidParam("Answers to comments go one level deep: answer the first comment.")
        return parent

    async def _news(self, tx: Transaction, reader: Reader, moment: Moment, pos: int) -> None:
        """What somebody did is shown to their own other devices, if they have the room."""
        room_no = await store.room_of(tx, moment.author_no)
        if room_no is not None:
            await self._circles.news(tx, reader.user_no, moment.author_no, room_no, pos)


def place_of(comment_no: int) -> int:
    """The position that a comment's number was made at."""
    return comment_no >> BUCKET_BITS
