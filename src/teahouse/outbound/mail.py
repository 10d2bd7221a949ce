"""Mail goes out through an outbox: written with its cause in one transaction, then delivered at least once.

A row goes only after the mail server took the mail. If the process ends in between, the mail is sent again with the
same Message-ID.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from teahouse.clock import Clock
from teahouse.db import Database, Transaction
from teahouse.errors import CapabilityDisabled, StorageFull, Unavailable
from teahouse.outbound import letters, store
from teahouse.outbound.sealing import AddressBook, Unreadable
from teahouse.outbound.smtp import Line, Refusal, Relay, Unreached
from teahouse.outbound.types import Letter, Outcome, Waiting

OUTBOX_MAX = 200_000  # mails that wait, some 200 MB of them; beyond it nothing is promised
ATTEMPTS_MAX = 20  # of one mail: with the waits below about two days, as mail servers do
WAIT_MS = 60_000  # after the first attempt; it doubles with every further one
WAIT_MAX_MS = 14_400_000  # the longest wait, four hours
BATCH_MAX = 50  # mails sent over one connection
UNREACHED_WAIT_MS = 30_000  # before a mail server that could not be spoken to is tried again; it doubles
UNREACHED_WAIT_MAX_MS = 900_000  # the longest such wait
LOOK_EVERY_S = 30.0  # how often the outbox is looked into when nothing says that it should be
FAILED_KEPT_MS = 2_592_000_000  # how long the operator can see what was given up: 30 days

log = logging.getLogger("teahouse.mail")


class Mail:
    """The outbox and its carrier."""

    def __init__(
        self, database: Database, clock: Clock, book: AddressBook, relay: Relay | None, sender: tuple[str, str]
    ) -> None:
        """Without a `relay` mail is off. `sender` is a name and an address."""
        self._database = database
        self._clock = clock
        self._relay = relay
        self._sender = sender
        self._waiting: int | None = None  # how many; None until it was counted
        self._arrived = asyncio.Event()
        self._carrying = asyncio.Lock()
        self._unreached = 0  # times in a row
        self._pause_until_ms = 0
        self._listeners: list[Outcome] = []
        self.book = book

    @property
    def on(self) -> bool:
        """Whether this server sends mail."""
        return self._relay is not None

    def require(self) -> None:
        """Raises CapabilityDisabled on a server that sends no mail."""
        if self._relay is None:
            raise CapabilityDisabled("This server sends no mail: whoever runs it has not set mail.smtp_url.")

    async def write(self, tx: Transaction, letter: Letter) -> None:
        """Put a mail into the outbox, in the transaction of its cause.

        Raises CapabilityDisabled when mail is off, InvalidParam for a letter that must not be sent, Unavailable when
        the outbox is full.
        """
        self.require()
        letter = letters.checked(letter)
        if self._waiting is None:
            self._waiting = await store.waiting(tx, OUTBOX_MAX)
        if self._waiting >= OUTBOX_MAX:
            raise Unavailable("Too many mails wait to be sent; try again later.")
        domain = self._sender[1].rpartition("@")[2]
        message_id = f"<{secrets.token_hex(16)}@{domain}>"
        sealed = self.book.seal(msgspec.json.encode(letter).decode())
        await store.insert(tx, tx.positions(), message_id, letter.about, sealed, self._clock.now_ms())
        tx.on_commit(self._written)

    async def withdraw(self, tx: Transaction, about: str) -> None:
        """Send no more of what waits, by what its writer calls it; a mail under way still arrives."""
        count = await store.withdraw(tx, about)
        tx.on_commit(lambda: self._gone(count))

    async def failures(self, limit: int) -> Sequence[tuple[int, int, str]]:
        """Mails that were given up, newest first: when, after how many attempts, and why."""
        return await store.failures(self._database, limit)

    def listen(self, outcome: Outcome) -> None:
        """Tell `outcome` of every mail that is taken or given up from now on."""
        self._listeners.append(outcome)

    def wake(self) -> None:
        """Look into the outbox now."""
        self._arrived.set()

    async def run(self) -> None:
        """Deliver what is due, until cancelled."""
        if self._relay is None:
            return
        while True:
            self._arrived.clear()
            # A full disk must not end the server: what could not be noted is sent once more.
            with suppress(StorageFull):
                await self.deliver()
            heed_cancellation()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._arrived.wait()

    async def deliver(self) -> None:
        """Deliver everything that is due now. A mail server that cannot be spoken to gets a pause first."""
        async with self._carrying:
            while self._relay is not None and self._clock.now_ms() >= self._pause_until_ms:
                batch = await store.due(self._database, self._clock.now_ms(), BATCH_MAX)
                if not batch:
                    return
                await self._carry(self._relay, batch)

    async def _carry(self, relay: Relay, batch: Sequence[Waiting]) -> None:
        left = list(batch)
        try:
            async with relay.line() as line:
                while left:
                    await self._send(line, left[0])
                    left.pop(0)
                    heed_cancellation()
            self._unreached = 0
        except Unreached as trouble:
            wait_ms = min(UNREACHED_WAIT_MS << min(self._unreached, 10), UNREACHED_WAIT_MAX_MS)
            self._unreached += 1
            self._pause_until_ms = self._clock.now_ms() + wait_ms
            log.warning("The mail server cannot be spoken to: %s", trouble)
            for mail in left:
                await self._again(mail, str(trouble), lasting=False)

    async def _send(self, line: Line, mail: Waiting) -> None:
        """Send one mail and note what came of it."""
        try:
            letter = msgspec.json.decode(self.book.open(mail.content), type=Letter)
            wire = letters.compose(letter, mail.message_id, mail.written_ms, *self._sender)
        except (Unreadable, ValueError) as error:  # one mail that cannot be made must not hold up the others
            return await self._again(mail, str(error), lasting=True)
        try:
            await line.send(self._sender[1], letter.recipient, wire)
        except Refusal as refusal:
            return await self._again(mail, refusal.said, lasting=refusal.lasting)
        async with self._database.transaction() as tx:
            await self._tell(tx, mail, await store.delete(tx, mail.mail_no), arrived=True)
        return None

    async def _again(self, mail: Waiting, failure: str, *, lasting: bool) -> None:
        """A mail was not taken: try it later, or give it up."""
        attempts = mail.attempts + 1
        now_ms = self._clock.now_ms()
        async with self._database.transaction() as tx:
            if lasting or attempts >= ATTEMPTS_MAX:
                log.warning("A mail was given up after %d attempts: %s", attempts, failure)
                gone = await store.give_up(tx, mail.mail_no, now_ms, attempts, failure)
                await store.sweep(tx, now_ms - FAILED_KEPT_MS)
                await self._tell(tx, mail, gone, arrived=False)
            else:
                wait_ms = min(WAIT_MS << (attempts - 1), WAIT_MAX_MS)
                await store.postpone(tx, mail.mail_no, now_ms + wait_ms, attempts, failure)

    async def _tell(self, tx: Transaction, mail: Waiting, gone: int, *, arrived: bool) -> None:
        """A mail waits no more; `gone` is 0 for one that was withdrawn while it was under way."""
        tx.on_commit(lambda: self._gone(gone))
        for outcome in self._listeners:
            await outcome(tx, mail.about, arrived=arrived)

    def _written(self) -> None:
        if self._waiting is not None:
            self._waiting += 1
        self._arrived.set()

    def _gone(self, count: int) -> None:
        if self._waiting is not None:
            self._waiting -= count


def heed_cancellation() -> None:
    """Raise CancelledError when the running task was cancelled and nobody noticed.

    The SMTP library waits with `asyncio.wait_for`, which on Python 3.11 drops a cancellation that comes together with
    an answer: a server that stops while it sends mail would never end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
