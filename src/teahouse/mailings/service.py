"""Following an account by e-mail: a link to confirm, then its new posts, until the follower wants no more.

Nobody learns from any answer whether an address follows. Addresses are sealed; staff see how many there are.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import deque
from collections.abc import Collection, Sequence
from contextlib import suppress
from hashlib import sha256
from urllib.parse import quote

from teahouse.clock import Clock
from teahouse.db import Database, Transaction
from teahouse.errors import CapabilityDisabled, Forbidden, LimitExceeded, NotFound, StorageFull, Unavailable
from teahouse.mailings import letters, store
from teahouse.mailings.types import MailFollower, MailList
from teahouse.outbound.letters import normal
from teahouse.outbound.mail import Mail
from teahouse.outbound.sealing import Unreadable
from teahouse.outbound.types import Letter
from teahouse.posts.service import Posts
from teahouse.posts.types import Post
from teahouse.public_accounts.accounts import Accounts
from teahouse.public_accounts.types import Account

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
CONFIRM_HOURS = 48  # for which a link to confirm works
ASKS_PER_ADDRESS_MAX = 4  # mails to confirm in a day to one address, whatever the accounts: a nuisance beyond
WAITING_PER_ACCOUNT_MAX = 1_000  # addresses entered for one account in a day
ACCOUNTS_COUNTED_MAX = 10_000  # accounts for which addresses entered in a day are counted in memory
FOLLOWERS_MAX = 100_000  # of one account by e-mail: what an operator's mail server takes in a day
RETURNED_MAX = 5  # mails in a row that did not arrive, after which none is sent until the follower confirms anew
POSTS_MAX = 20  # in one mail; the others are counted and linked to
POSTS_READ_MAX = 500  # of one account for one run: more in a quarter of an hour is no reading matter
LISTS_AT_ONCE = 100  # accounts looked at in one read
FOLLOWERS_AT_ONCE = 50  # written to in one transaction
RUN_EVERY_S = 900.0  # posts of so long come in one mail
FEW = 5  # below it a number would speak of single persons
SECRET_BYTES = 24
ABOUT = "mailing"


class Mailings:
    """Followers by e-mail of all accounts."""

    def __init__(
        self, database: Database, clock: Clock, mail: Mail, accounts: Accounts, posts: Posts, public_url: str,
        server_name: str,
    ) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._mail = mail
        self._accounts = accounts
        self._posts = posts
        self._public_url = public_url.rstrip("/")
        self._server_name = server_name
        self._times: dict[int, deque[int]] = {}  # account_no → when addresses were entered for it, oldest first
        mail.listen(self._outcome)

    @property
    def on(self) -> bool:
        """Whether this server can do it."""
        return self._mail.on and bool(self._public_url)

    def require(self) -> None:
        """Raises CapabilityDisabled where it cannot be done."""
        self._mail.require()
        if not self._public_url:
            raise CapabilityDisabled("This server sends no posts by mail: whoever runs it has not set public_url.")

    async def ask(self, account: Account, address: str) -> None:
        """Send a link to confirm to an address, unless it had enough of them today. The answer tells nothing of it.

        Raises InvalidParam for what is no address, LimitExceeded and Forbidden for an account that takes no more.
        """
        self.require()
        address, now_ms = normal(address), self._clock.now_ms()
        address_hash = self._mail.book.hash(address)
        async with self._database.transaction() as tx:
            # Both before the address is looked for: a refusal must not say whether it follows.
            if await store.followers(tx, account.account_no) >= FOLLOWERS_MAX:
                raise Forbidden(f"An account has at most {FOLLOWERS_MAX:,} followers by e-mail.")
            if len(await self._entered(tx, account.account_no, now_ms)) >= WAITING_PER_ACCOUNT_MAX:
                raise LimitExceeded("Too many addresses were entered here today.", retry_after_ms=HOUR_MS)
            tx.on_commit(lambda: self._count(account.account_no, now_ms))
            asks = await store.asked_since(tx, address_hash, now_ms - DAY_MS, ASKS_PER_ADDRESS_MAX)
            if asks < ASKS_PER_ADDRESS_MAX:
                await self._ask(tx, account, address, address_hash)

    async def confirm(self, account: Account, token: str) -> None:
        """Whoever reads an address says yes. Raises NotFound for a link that was used, is too old or never was."""
        number, _, secret = token.partition(".")
        newest, now_ms = await self._accounts.newest(account.account_no), self._clock.now_ms()
        async with self._database.transaction() as tx:
            known = await store.by_number(tx, int(number)) if number.isdecimal() and len(number) < 19 else None
            if (
                known is None
                or known.account_no != account.account_no
                or not hmac.compare_digest(known.token_hash, digest(secret))
                or known.asked_ms <= now_ms - CONFIRM_HOURS * HOUR_MS
            ):
                raise NotFound(f"This link was used before, is older than {CONFIRM_HOURS} hours, or was never ours.")
            await store.confirm(tx, known.follower_no, now_ms, newest)
            if not known.confirmed_ms:
                await store.count(tx, account.account_no, 1, newest)

    async def leave(self, account: Account, token: str) -> None:
        """Send no more mail. Leaving again is as good. Raises NotFound for a link that never was ours."""
        try:
            kind, _, number = self._mail.book.open(urlsafe_b64decode(token.encode())).partition(" ")
        except (Unreadable, ValueError):
            kind, number = "", ""
        if kind != "leave":
            raise NotFound("This link is not one of ours.")
        async with self._database.transaction() as tx:
            known = await store.by_number(tx, int(number))
            if known is None or known.account_no != account.account_no:
                return
            await store.delete(tx, known.follower_no)
            await self._mail.withdraw(tx, about_of(known.follower_no))
            if known.confirmed_ms:
                await store.count(tx, account.account_no, -1, 0)

    async def followers(self, account: Account) -> str:
        """How many follow an account by e-mail, for its staff; few are not told apart."""
        count = await store.followers(self._database, account.account_no)
        return f"<{FEW}" if 0 < count < FEW else str(count)

    async def run(self) -> None:
        """Send what is new now and then, until cancelled."""
        while self.on:
            await asyncio.sleep(RUN_EVERY_S)
            # A full disk or outbox must not end the server: what was not written now is written next time.
            with suppress(StorageFull, Unavailable):
                await self.deliver()

    async def deliver(self) -> None:
        """Write one mail to every follower for whom an account has new posts; each post once."""
        after = -1
        while lists := await store.with_news(self._database, after, LISTS_AT_ONCE):
            for each in lists:
                await self._deliver(each)
            after = lists[-1].account_no
        async with self._database.transaction() as tx:
            await store.sweep(tx, self._clock.now_ms() - CONFIRM_HOURS * HOUR_MS)

    async def _entered(self, tx: Transaction, account_no: int, now_ms: int) -> Collection[int]:
        """When addresses were entered for an account in a day. Whatever they are counts, followers too: who enters all
        but one and then somebody else's must not learn from the next refusal whether that one was new.
        """
        entered = self._times.get(account_no)
        if entered is None:  # what an earlier process took in is known by its rows alone
            waiting = await store.waiting_of(tx, account_no, now_ms - DAY_MS, WAITING_PER_ACCOUNT_MAX)
            entered = self._times[account_no] = deque([now_ms] * waiting)
            if len(self._times) > ACCOUNTS_COUNTED_MAX:
                self._times.pop(next(iter(self._times)))
        while entered and entered[0] <= now_ms - DAY_MS:
            entered.popleft()
        return entered

    def _count(self, account_no: int, now_ms: int) -> None:
        """An address was entered."""
        if account_no in self._times:
            self._times[account_no].append(now_ms)

    async def _ask(self, tx: Transaction, account: Account, address: str, address_hash: bytes) -> None:
        now_ms, secret = self._clock.now_ms(), secrets.token_urlsafe(SECRET_BYTES)
        known = await store.by_address(tx, account.account_no, address_hash)
        if known is None:
            follower_no = tx.positions()
            sealed = self._mail.book.seal(address)
            await store.insert(tx, follower_no, account.account_no, address_hash, sealed, now_ms, digest(secret))
        else:
            follower_no = known.follower_no
            asks = known.asks + 1 if known.asked_ms > now_ms - DAY_MS else 1
            await store.asked(tx, follower_no, now_ms, asks, digest(secret))
        leave, said = self._leave(account, follower_no), letters.spoken_by(account.about)
        if known is not None and known.confirmed_ms and known.returned < RETURNED_MAX:
            subject, text = letters.already(said, account.handle, self._server_name, leave)
        else:
            link = f"{self._page(account)}/confirm?token={follower_no}.{secret}"
            subject, text = letters.confirmation(said, account.handle, self._server_name, link, CONFIRM_HOURS)
        await self._mail.write(tx, Letter(address, subject, text, about=about_of(follower_no)))

    async def _deliver(self, each: MailList) -> None:
        account = await self._accounts.at(each.account_no)
        assert account is not None
        count = min(each.newest - each.mailed, POSTS_READ_MAX)
        found = await self._posts.of_account(account.account_no, each.newest + 1, count)
        fresh = [post for post in reversed(found) if post.content is not None and not post.content.written_ms]
        while True:
            async with self._database.transaction() as tx:
                followers = await store.behind(tx, account.account_no, each.newest, FOLLOWERS_AT_ONCE)
                for follower in followers:
                    await self._write(tx, account, follower, fresh)
                    await store.mailed(tx, follower.follower_no, each.newest)
                if not followers:
                    await store.all_mailed(tx, account.account_no, each.newest)
                    return

    async def _write(self, tx: Transaction, account: Account, follower: MailFollower, fresh: Sequence[Post]) -> None:
        posts = [post for post in fresh if post.number > follower.mailed]
        if not posts or follower.returned >= RETURNED_MAX:
            return
        shown = [(post, self._posts.address(account.handle, post.number)) for post in posts[-POSTS_MAX:]]
        leave = self._leave(account, follower.follower_no)
        page = f"{self._public_url}/@{quote(account.handle, safe='')}"
        said, more = letters.spoken_by(account.about), len(posts) - len(shown)
        subject, text = letters.digest(said, account.handle, account.name, shown, page, more, leave)
        address = self._mail.book.open(follower.address)
        await self._mail.write(tx, Letter(address, subject, text, leave, about_of(follower.follower_no)))

    async def _outcome(self, tx: Transaction, about: str, *, arrived: bool) -> None:
        kind, _, number = about.partition(":")
        if kind == ABOUT:
            await store.outcome(tx, int(number), arrived=arrived)

    def _page(self, account: Account) -> str:
        return f"{self._public_url}/mail/{quote(account.handle, safe='')}"

    def _leave(self, account: Account, follower_no: int) -> str:
        """The link to get no more mail: sealed, so that nobody makes one for somebody else."""
        token = urlsafe_b64encode(self._mail.book.seal(f"leave {follower_no}")).decode()
        return f"{self._page(account)}/leave?token={token}"


def about_of(follower_no: int) -> str:
    """What mails to a follower are called in the outbox."""
    return f"{ABOUT}:{follower_no}"


def digest(secret: str) -> bytes:
    """What is stored of a link's secret."""
    return sha256(secret.encode()).digest()
