"""Mirroring an account's own feed: polled now and then, each new entry a post, none twice.

A post follows its entry: what its writer changes there is an edit here, and readers can see every wording. Where
staff have put the post into other words, theirs stand.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from teahouse.clock import Clock
from teahouse.db import Database, Transaction
from teahouse.errors import (
    Conflict,
    FetchRefused,
    Forbidden,
    InvalidParam,
    NotFound,
    OutsideFailed,
    StorageFull,
    TeahouseError,
    TooLarge,
    Unavailable,
)
from teahouse.eventlog.types import StoredEvent
from teahouse.mirrors import store, wording
from teahouse.mirrors.feeds import FeedReader
from teahouse.mirrors.types import Entry, Mirror, Taken
from teahouse.outbound.fetcher import Fetcher
from teahouse.outbound.mail import heed_cancellation
from teahouse.outbound.types import Validators
from teahouse.posts.service import Posts
from teahouse.posts.types import Fate, Post, PostContent, Publisher
from teahouse.public_accounts.accounts import Accounts, publisher
from teahouse.public_accounts.types import Account

POLL_EVERY_MS = 900_000  # a feed that answers
POLL_WAIT_MAX_MS = 43_200_000  # a feed that fails: waits double from a poll's up to this, twelve hours
FAILURES_MAX = 12  # in a row, some four days; then the feed is polled no more until its owner says so
FEED_MAX_BYTES = 5_242_880  # of a feed: some hundred whole articles
NEW_MAX = 20  # entries that become posts at one poll, the newest; older ones are left out for good
CHANGED_MAX = 20  # entries followed at one poll, the newest: what changed in all of them is the site's look
WORDINGS_MAX = 20  # of one post that come from its feed: some feeds change at every poll
OLD_AFTER_MS = 172_800_000  # an entry older than two days is shown with its date and alerts nobody
POLLS_AT_ONCE = 8
DUE_MAX = 64  # feeds taken on in one round
LOOK_EVERY_S = 60.0
ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1"

log = logging.getLogger("teahouse.mirrors")


class Known(Conflict):
    """The entry became a post before."""


class Mirrors:
    """The mirrored feeds of all accounts."""

    def __init__(self, database: Database, clock: Clock, fetcher: Fetcher, accounts: Accounts, posts: Posts) -> None:
        self._database = database
        self._clock = clock
        self._fetcher = fetcher
        self._accounts = accounts
        self._posts = posts
        self._reader = FeedReader()
        self._arrived = asyncio.Event()

    async def set(self, account: Account, author_no: int, url: str) -> Mirror:
        """Mirror a feed from now on, polled at once; the same one again goes on where it stopped.

        Raises FetchRefused for an address that is never fetched.
        """
        url = str(self._fetcher.check(url))
        now_ms = self._clock.now_ms()
        async with self._database.transaction() as tx:
            before = await store.mirror_of(tx, account.account_no)
            if before is None or before.url != url:
                before = Mirror(account.account_no, url, author_no, now_ms, 0, 0, 0, 0, "", "", "")
            made = replace(before, author_no=author_no, due_ms=now_ms, failures=0, failure="")
            await store.put(tx, made)
            tx.on_commit(self._arrived.set)
        return made

    async def find(self, account: Account) -> Mirror:
        """The feed an account mirrors; raises NotFound."""
        found = await store.mirror_of(self._database, account.account_no)
        if found is None:
            raise NotFound("This account mirrors no feed.")
        return found

    async def drop(self, account: Account) -> None:
        """Mirror nothing more. What became a post stays; raises NotFound when nothing was mirrored."""
        async with self._database.transaction() as tx:
            if not await store.drop(tx, account.account_no):
                raise NotFound("This account mirrors no feed.")

    async def run(self) -> None:
        """Poll what is due, until cancelled."""
        while True:
            self._arrived.clear()
            # A full disk must not end the server: what was not noted is polled again.
            with suppress(StorageFull, Unavailable):
                await self.poll_due()
            heed_cancellation()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._arrived.wait()

    async def poll_due(self) -> None:
        """Poll every feed whose time has come, once."""
        turns = asyncio.Semaphore(POLLS_AT_ONCE)

        async def poll(mirror: Mirror) -> None:
            async with turns:
                await self._poll(mirror)

        mirrors = await store.due(self._database, self._clock.now_ms(), DUE_MAX)
        await asyncio.gather(*(poll(each) for each in mirrors))

    async def _poll(self, mirror: Mirror) -> None:
        """One poll, and a note of what it came to."""
        now_ms = self._clock.now_ms()
        tried = replace(mirror, polled_ms=now_ms, due_ms=now_ms + POLL_EVERY_MS)
        try:
            validators = await self._mirror(mirror)
            done = replace(tried, good_ms=now_ms, failures=0, failure="", etag=validators.etag,
                           modified=validators.modified)  # fmt: skip
        except (FetchRefused, OutsideFailed) as trouble:
            failures = mirror.failures + 1
            wait_ms = min(POLL_EVERY_MS << min(failures, 20), POLL_WAIT_MAX_MS)
            due_ms = 0 if failures >= FAILURES_MAX else now_ms + wait_ms
            done = replace(tried, failures=failures, failure=trouble.message, due_ms=due_ms)
        except NotFound as gone:
            done = replace(tried, failure=gone.message, due_ms=0)
        except (StorageFull, Unavailable):
            raise
        except TeahouseError as refusal:  # of a post: not the feed's fault; the rest comes with the next poll
            done = replace(tried, failure=refusal.message)
        async with self._database.transaction() as tx:
            await store.polled(tx, done)

    async def _mirror(self, mirror: Mirror) -> Validators:
        """Fetch, read and publish; what to ask with next time."""
        account = await self._accounts.at(mirror.account_no)
        if account is None or await self._accounts.role(mirror.author_no, mirror.account_no) != "owner":
            raise NotFound("Who set this feed owns the account no more; an owner has to set it anew.")
        known = Validators(mirror.etag, mirror.modified)
        fetched = await self._fetcher.fetch(mirror.url, FEED_MAX_BYTES, ACCEPT, known)
        if fetched.unchanged:
            return known
        entries = each_once(await self._reader.entries(fetched))
        taken = await store.known(self._database, mirror.account_no, list(entries))
        fresh = [entry for key, entry in entries.items() if key not in taken]
        async with self._database.transaction() as tx:
            hashes = [wording.entry_hash(each.id) for each in fresh[NEW_MAX:]]
            await store.leave_out(tx, mirror.account_no, hashes)
        for entry in reversed(fresh[:NEW_MAX]):
            await self._publish(mirror, publisher(account), entry)
        await self._follow_all(publisher(account), entries, taken)
        return fetched.validators

    async def _follow_all(
        self, account: Publisher, entries: Mapping[bytes, Entry], taken: Mapping[bytes, Taken]
    ) -> None:
        """Put the posts of entries that changed into their new words; of too many the older ones are passed over."""
        changed = [
            (entry, taken[key])
            for key, entry in entries.items()
            if key in taken and taken[key].said is not None and taken[key].said != wording.said(entry)
        ]
        posts = await self._posts.at([each.pos for _, each in changed[:CHANGED_MAX]])
        for entry, each in changed:
            await self._follow(account, entry, each, posts.get(each.pos))

    async def _follow(self, account: Publisher, entry: Entry, taken: Taken, post: Post | None) -> None:
        """Put one post into its entry's new words, with the note of them in the same transaction."""
        said = wording.said(entry)

        async def also(tx: Transaction, _: Sequence[StoredEvent]) -> None:
            await store.followed(tx, account.account_no, taken.entry_hash, said, taken.version + 1)

        try:
            content = wording.content_of(entry)
            if content is not None and post is not None and may_follow(post, taken):
                wanted = wording.followed(post, content)
                if wanted is not None:
                    await self._posts.edit(account, post.ref, wanted, also=also)
                    return
        except (InvalidParam, TooLarge, Forbidden, NotFound) as refusal:
            log.info("A changed entry of the feed of @%s was not followed: %s", account.handle, refusal.message)
        async with self._database.transaction() as tx:
            await store.followed(tx, account.account_no, taken.entry_hash, said, taken.version)

    async def _publish(self, mirror: Mirror, account: Publisher, entry: Entry) -> None:
        """Make a post of an entry, with the note that it is one in the same transaction."""
        content = wording.content_of(entry)
        entry_hash = wording.entry_hash(entry.id)

        async def noted(tx: Transaction, pos: int) -> bool:
            return await store.take(tx, account.account_no, entry_hash, pos, wording.said(entry))

        try:
            if content is not None:
                written_ms = self._written_ms(mirror, entry)
                return await take_over(self._posts, account, mirror.author_no, content, written_ms, noted)
        except Known:
            return None
        except (InvalidParam, TooLarge) as refusal:
            # It would be refused at every poll, and hold up all that come after it.
            log.info("An entry of the feed of @%s was left out: %s", account.handle, refusal.message)
        async with self._database.transaction() as tx:
            await store.leave_out(tx, mirror.account_no, [entry_hash])
        return None

    def _written_ms(self, mirror: Mirror, entry: Entry) -> int:
        """The date an entry's post shows; 0 for one that is news."""
        now_ms = self._clock.now_ms()
        published_ms = min(entry.published_ms, now_ms)
        if not mirror.good_ms:
            return published_ms or now_ms  # everything at the first poll was there before
        return published_ms if 0 < published_ms < now_ms - OLD_AFTER_MS else 0


def each_once(entries: Sequence[Entry]) -> dict[bytes, Entry]:
    """Entries by their hashes, newest first."""
    found: dict[bytes, Entry] = {}
    for entry in entries:
        found.setdefault(wording.entry_hash(entry.id), entry)
    return found


def may_follow(post: Post, taken: Taken) -> bool:
    """Whether a post takes new words from its entry: not when staff chose others, and not without end."""
    return post.fate is Fate.STANDS and post.version == taken.version and post.version + 1 < WORDINGS_MAX


async def take_over(
    posts: Posts,
    account: Publisher,
    author_no: int,
    content: PostContent,
    written_ms: int,
    noted: Callable[[Transaction, int], Awaitable[bool]],
) -> None:
    """Publish what comes from outside, once: raises Known for what was published before.

    With `written_ms` it shows that date and alerts nobody; 0 makes it a post like any other. `noted` notes in the same
    transaction that it became the post at a position, and says whether it is the first to.
    """

    async def also(tx: Transaction, events: Sequence[StoredEvent]) -> None:
        if not await noted(tx, events[0].pos):
            raise Known("This became a post before.")

    if written_ms:
        await posts.publish_imported(account, author_no, content, written_ms, also)
    else:
        await posts.publish(account, author_no, content, also=also)
