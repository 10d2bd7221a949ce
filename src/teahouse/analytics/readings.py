"""Counting who met a post: gathered in memory for a second, then written for all readers together.

Readers wait for nothing here. What a kill cuts off is the last second's; see docs/decisions. Who met what is never
written but into a sketch under the post's own key, which is destroyed `COUNTED_DAYS` after its publication.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from hashlib import blake2b

from teahouse.analytics import store
from teahouse.analytics.sketch import HASH_BYTES
from teahouse.analytics.types import COUNTED_DAYS, DAY_MS, HOUR_MS, Kind, slot
from teahouse.clock import Clock
from teahouse.db import Database, Transaction
from teahouse.errors import StorageFull, Unavailable
from teahouse.eventlog.state import RoomState
from teahouse.eventlog.types import StoredEvent
from teahouse.matrix.events import POST, replaces
from teahouse.posts.neighbours import PostListener
from teahouse.posts.types import Post, Ref
from teahouse.public_accounts.figures import FEW
from teahouse.public_accounts.followers import Followers
from teahouse.public_accounts.types import CHANNEL
from teahouse.rooms.types import Reader

WRITTEN_EVERY_S = 1.0  # how long readings gather
GATHERED_MAX = 200_000  # readings in memory, about 150 bytes each; what comes beyond them is not counted
POSTS_AT_ONCE = 50  # posts of one transaction: at most 0.6 MB of sketches, while which others wait
HASHED_AT_ONCE = 5_000  # readers hashed before others have their turn: about 10 ms
PASSED_MAX = 100  # posts that one read position opens: who returns after a year has not read a thousand
CLOSED_AT_ONCE = 500  # posts whose keys are destroyed in one transaction
KEY_BYTES = 32  # of a post's key: nobody finds it by trying

log = logging.getLogger("teahouse.analytics")

Gathered = dict[Ref, dict[Kind, set[bytes]]]
Passed = dict[int, list[tuple[int, int, int]]]  # account_no → (user_no, after, upto)
Scrub = Callable[[], Awaitable[bool]]


class Readings(PostListener):
    """What is told of readers, on its way into the figures."""

    def __init__(self, database: Database, clock: Clock, followers: Followers, scrub: Scrub) -> None:
        """`scrub` takes what was deleted out of the engine's files; False when it could not yet."""
        self._database = database
        self._clock = clock
        self._followers = followers
        self._scrub = scrub
        self._gathered: Gathered = {}
        self._passed: Passed = {}
        self._count = 0
        self._arrived = asyncio.Event()
        self._writing = asyncio.Lock()
        self._swept_ms = -HOUR_MS
        self._traces = True  # something destroyed may still be in the engine's files: surely so after a kill

    def delivered(self, reader: Reader, state: RoomState, events: Sequence[StoredEvent]) -> None:
        """A sync hands posts to a follower's device. What replaces a post, such as its end by a decision, is none."""
        if (CHANNEL, "") not in state.entries:
            return
        since_ms = self._since_ms()
        for event in events:
            mark = event.content.get(POST)
            if not isinstance(mark, dict) or event.sender_no == reader.user_no or replaces(event.content):
                continue
            if event.origin_server_ts > since_ms:
                self._gather(Ref(event.sender_no, int(mark["number"])), "impressions", member(reader.user_no))

    def read(self, reader: Reader, state: RoomState, after: int, upto: int) -> None:
        """A reader's position in a channel moves on."""
        entry = state.entries.get((CHANNEL, ""))
        if entry is None or entry.sender_no == reader.user_no or not self._has_room():
            return
        self._passed.setdefault(entry.sender_no, []).append((reader.user_no, after, upto))
        self._arrived.set()

    def opened(self, ref: Ref, user_no: int) -> None:
        """Somebody with an account looks at a post through Teahouse's own API."""
        if ref.account_no != user_no:
            self._gather(ref, "opens", member(user_no))

    def viewed(self, ref: Ref, visitor: bytes) -> None:
        """A post's public page was opened. `visitor` is the same for one address during one day."""
        self._gather(ref, "visits", b"v" + visitor)

    async def deleted(self, tx: Transaction, post: Post) -> None:
        """A deleted post is read no more: what told its readers apart goes with it."""
        await store.close(tx, [post.ref])
        tx.on_commit(self._leave_traces)

    async def run(self) -> None:
        """Write what was gathered, and destroy keys that are due, until cancelled; then write what is left."""
        try:
            while True:
                await self._rest()
                await self._safely(self.write())
                if self._clock.now_ms() - self._swept_ms >= HOUR_MS:
                    await self._safely(self.sweep())
        finally:
            await self._safely(self.write())

    async def write(self) -> None:
        """Write everything gathered so far."""
        async with self._writing:
            gathered, passed = self._gathered, self._passed
            self._gathered, self._passed, self._count = {}, {}, 0
            try:
                for account_no, marks in passed.items():
                    await self._resolve(gathered, account_no, marks)
                refs = list(gathered)
                for first in range(0, len(refs), POSTS_AT_ONCE):
                    await self._write({ref: gathered[ref] for ref in refs[first : first + POSTS_AT_ONCE]})
            except BaseException:
                self._put_back(gathered, passed)
                raise

    async def sweep(self) -> None:
        """Destroy the keys and sketches of posts that are old enough, in every file."""
        self._swept_ms = self._clock.now_ms()
        async with self._writing:
            while refs := await store.due(self._database, self._since_ms(), CLOSED_AT_ONCE):
                async with self._database.transaction() as tx:
                    await store.close(tx, refs)
                self._leave_traces()
        if self._traces:
            self._traces = not await self._scrub()

    async def _rest(self) -> None:
        """Wait for something to write and let more of it gather, or until the next sweep."""
        try:
            async with asyncio.timeout(HOUR_MS / 1_000 if self._swept_ms > 0 else 0):
                await self._arrived.wait()
        except TimeoutError:
            return
        await asyncio.sleep(WRITTEN_EVERY_S)
        self._arrived.clear()

    async def _safely(self, work: Awaitable[None]) -> None:
        """Figures are no reason to end the server: what could not be written waits, as far as there is room."""
        try:
            await work
        except (StorageFull, Unavailable) as refusal:
            log.warning("figures of readers are not written: %s", refusal.message)

    async def _resolve(self, gathered: Gathered, account_no: int, marks: Sequence[tuple[int, int, int]]) -> None:
        """Which posts the read positions of an account's readers passed.

        The first position of one who follows passes what was published since; of what came before only the post it
        stands on.
        """
        spans = []
        for user_no, after, upto in marks:
            since = after or min(await self._followed_since(user_no, account_no), upto - 1)
            spans.append((user_no, since, upto))
        posts = await store.passed(
            self._database, account_no, min(span[1] for span in spans), max(span[2] for span in spans),
            self._since_ms(), PASSED_MAX * 10,
        )  # fmt: skip
        for user_no, after, upto in spans:
            numbers = [number for pos, number in posts if after < pos <= upto]
            for number in numbers[:PASSED_MAX]:
                gathered.setdefault(Ref(account_no, number), {}).setdefault("opens", set()).add(member(user_no))

    async def _followed_since(self, user_no: int, account_no: int) -> int:
        ties = (await self._followers.ties(user_no)).values()
        return next((tie.since for tie in ties if tie.account_no == account_no), 0)

    async def _write(self, gathered: Mapping[Ref, Mapping[Kind, Iterable[bytes]]]) -> None:
        """Work out the new counts of some posts, then write them together. Nobody else writes sketches meanwhile."""
        now_ms = self._clock.now_ms()
        prepared = []
        for ref, kinds in gathered.items():
            post = await store.open_post(self._database, ref, self._since_ms(), secrets.token_bytes(KEY_BYTES))
            if post is not None:
                prepared.append((post, *await self._counted(post, kinds)))
        if not any(sketches for _, sketches, _ in prepared):
            return
        async with self._database.transaction() as tx:
            for post, sketches, more in prepared:
                if not sketches:
                    continue
                from_ms = slot(post.created_ms, now_ms)
                if await store.put(tx, post, sketches, more, from_ms, now_ms // DAY_MS):
                    readers = more.get("opens", 0) + more.get("visits", 0)
                    views = post.totals.opens + post.totals.visits + readers
                    if readers and views >= FEW:  # fewer would tell the account's staff what their figures do not
                        await store.set_views(tx, post.ref, views)

    async def _counted(
        self, post: store.Open, kinds: Mapping[Kind, Iterable[bytes]]
    ) -> tuple[dict[Kind, bytes], dict[Kind, int]]:
        """A post's sketches with the readers put in, and how many more there are of each kind."""
        sketches: dict[Kind, bytes] = {}
        more: dict[Kind, int] = {}
        for kind, readers in kinds.items():
            sketch = await store.sketch(self._database, post.ref, kind)
            held = sketch.encode()
            for place, reader in enumerate(readers, 1):
                sketch.add((blinded(post.key, reader),))
                if place % HASHED_AT_ONCE == 0:
                    await asyncio.sleep(0)
            encoded = sketch.encode()
            if encoded != held:
                sketches[kind] = encoded
                more[kind] = max(0, sketch.count() - getattr(post.totals, kind))
        return sketches, more

    def _put_back(self, gathered: Gathered, passed: Passed) -> None:
        """Gather anew what could not be written. What was written of it counts nobody twice."""
        for account_no, marks in passed.items():
            self._passed.setdefault(account_no, []).extend(marks)
            self._count += len(marks)
        for ref, kinds in gathered.items():
            for kind, readers in kinds.items():
                self._gathered.setdefault(ref, {}).setdefault(kind, set()).update(readers)
                self._count += len(readers)

    def _gather(self, ref: Ref, kind: Kind, reader: bytes) -> None:
        if self._has_room():
            self._gathered.setdefault(ref, {}).setdefault(kind, set()).add(reader)
            self._arrived.set()

    def _has_room(self) -> bool:
        """Whether one more reading is counted; counts it."""
        self._count += 1
        return self._count <= GATHERED_MAX

    def _since_ms(self) -> int:
        """Posts from before then are counted no more."""
        return self._clock.now_ms() - COUNTED_DAYS * DAY_MS

    def _leave_traces(self) -> None:
        self._traces = True


def member(user_no: int) -> bytes:
    """One with an account here, told from visitors of pages by its first byte."""
    return b"u" + user_no.to_bytes(8, "big")


def blinded(key: bytes, reader: bytes) -> int:
    """A reader as a number that says nothing without the post's key."""
    return int.from_bytes(blake2b(reader, key=key, digest_size=HASH_BYTES).digest(), "big")
