"""What an account's user does without anybody's hand: rows that wait, run one after the other, each exactly once.

A row is written in the transaction that asks for it and goes in the one that answers, so no kill loses or doubles it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from teahouse.db import Database, Transaction
from teahouse.errors import StorageFull, TeahouseError, Unavailable
from teahouse.eventlog.types import Draft, Proposal, StoredEvent
from teahouse.public_accounts.accounts import Accounts
from teahouse.public_accounts.types import Account
from teahouse.rooms.membership import REASON_MAX_CHARACTERS
from teahouse.rooms.service import Rooms
from teahouse.rooms.types import Reader
from teahouse.sidechats import store, texts
from teahouse.sidechats.rules import Rules
from teahouse.sidechats.types import Errand

READ_AT_ONCE = 100  # errands of one read
RETRY_S = 5.0  # wait after the store refused a write

log = logging.getLogger("teahouse.sidechats")

Open = Callable[[Reader, Account], Awaitable[str]]


class Errands:
    """Runs what waits."""

    def __init__(self, database: Database, rooms: Rooms, accounts: Accounts, rules: Rules, open_: Open) -> None:
        self._database = database
        self._rooms = rooms
        self._accounts = accounts
        self._rules = rules
        self._open = open_
        self._waiting = asyncio.Event()
        self._waiting.set()  # what an earlier process left over

    def arrived(self) -> None:
        """Something is to do."""
        self._waiting.set()

    async def run(self) -> None:
        """Run errands until cancelled."""
        while True:
            await self._waiting.wait()
            self._waiting.clear()
            try:
                await self.run_waiting()
            except (StorageFull, Unavailable) as refusal:
                log.warning("accounts answer later: %s", refusal.message)
                self._waiting.set()
                await asyncio.sleep(RETRY_S)

    async def run_waiting(self) -> None:
        """Run all that waits now."""
        after = 0
        while True:
            errands = await store.errands(self._database, after, READ_AT_ONCE)
            for errand in errands:
                await self._run(errand)
                after = errand.errand_no
            if len(errands) < READ_AT_ONCE:
                return

    async def _run(self, errand: Errand) -> None:
        account = await self._accounts.at(errand.account_no)
        draft = None
        if account is not None:
            draft = await (self._reply(errand) if errand.rule_no else self._decline(errand, account))
        try:
            if account is None or draft is None:
                await self._drop(errand)
            else:
                await self._send(errand, account, draft)
        except (StorageFull, Unavailable):
            raise
        except TeahouseError:  # the reader has left, or took the invitation back, in this very moment
            await self._drop(errand)

    async def _reply(self, errand: Errand) -> Draft | None:
        rule = await self._rules.find(errand.account_no, errand.rule_no)
        return None if rule is None else Draft("m.room.message", {"msgtype": "m.notice", "body": rule.reply})

    async def _decline(self, errand: Errand, account: Account) -> Draft | None:
        """Open the side chat, and leave the room that the reader made with a word of where it is."""
        reader = Reader(errand.reader_no, await self._accounts.users.user_id(errand.reader_no))
        language = account.about.language
        try:
            room_id = await self._open(reader, account)
            reason = texts.said(texts.DECLINED, language, name=account.name, room_id=room_id)
        except (StorageFull, Unavailable):
            raise
        except TeahouseError as refusal:
            reason = texts.said(texts.REFUSED, language, handle=account.handle, why=refusal.message)
        state = await self._rooms.eventlog.state(errand.room_no)
        if state is None or state.membership(account.user_id) != "invite":
            return None
        return Draft(
            "m.room.member", {"membership": "leave", "reason": reason[:REASON_MAX_CHARACTERS]}, account.user_id
        )

    async def _send(self, errand: Errand, account: Account, draft: Draft) -> None:
        async def run(tx: Transaction, events: Sequence[StoredEvent]) -> None:
            await store.done(tx, errand)

        await self._rooms.append(
            Proposal(
                account.user_id, account.account_no, [draft], errand.room_no, also=run,
                users={account.user_id: account.account_no},
            )
        )  # fmt: skip

    async def _drop(self, errand: Errand) -> None:
        async with self._database.transaction() as tx:
            await store.done(tx, errand)
