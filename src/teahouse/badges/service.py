"""Asking for a badge, deciding on it, and its end. What shows a badge is written in one place, and taken in another."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from contextlib import suppress

from teahouse.badges import proof, store
from teahouse.badges.sealing import Safe
from teahouse.badges.types import (
    BADGE,
    DAY_MS,
    EVIDENCE_FILES_MAX,
    EVIDENCE_KEPT_DAYS,
    EVIDENCE_MAX_BYTES,
    GRANTS,
    NAME_MAX_CHARACTERS,
    PROOF_GOOD_DAYS,
    REASON_MAX_CHARACTERS,
    TERM_DAYS,
    VERIFIED,
    Act,
    BadgeRequest,
    Document,
    Fetcher,
    Names,
    Verdict,
    Way,
)
from teahouse.clock import Clock
from teahouse.db import Database, Transaction
from teahouse.errors import Conflict, Forbidden, InvalidParam, NotFound, StorageFull, TooLarge
from teahouse.eventlog.types import Also, Draft, Proposal, StoredEvent
from teahouse.posts.wording import limit
from teahouse.public_accounts import lookalikes
from teahouse.public_accounts.accounts import Accounts
from teahouse.public_accounts.types import Account
from teahouse.rooms.service import Rooms

TOKEN_BYTES = 24  # of the token that a domain shows: nobody guesses it
SWEEP_EVERY_S = 60  # how often badges that are over and documents whose time has come are looked for
SWEEP_MAX = 100  # badges that end in one sweep; the next one goes on
SCANNED_MAX = 20_000  # accounts that one page of look-alikes goes through


class Badges:
    """The badges of all accounts."""

    def __init__(
        self, database: Database, clock: Clock, rooms: Rooms, accounts: Accounts, names: Names, fetcher: Fetcher,
        key: bytes,
    ) -> None:  # fmt: skip
        """`key` is the server's, to seal documents with."""
        self.database = database
        self.clock = clock
        self._rooms = rooms
        self._accounts = accounts
        self._names = names
        self._fetcher = fetcher
        self._safe = Safe(key)

    async def ask(self, account: Account, user_no: int, way: Way, domain: str) -> BadgeRequest:
        """Ask for a badge of the account's kind, or for a longer term; raises Conflict while another wish is open."""
        now_ms = self.clock.now_ms()
        named = proof.domain_of(domain) if way == "domain" else ""
        token = secrets.token_urlsafe(TOKEN_BYTES) if way == "domain" else ""
        async with self.database.transaction() as tx:
            wish = BadgeRequest(
                tx.positions(), account.account_no, user_no, way, named, token, account.name, now_ms, 0, "", "open", 0
            )
            if not await store.add_request(tx, wish):
                raise Conflict("This account has asked for a badge already. Take that back first.")
        return wish

    async def take_back(self, account: Account) -> None:
        """Ask no more; documents go at once."""
        wish = await self.require_open(account)
        async with self.database.transaction() as tx:
            if not await store.decide(tx, wish.request_no, "taken back", self.clock.now_ms(), 0):
                raise Conflict("It was decided meanwhile.")
            await store.drop_documents(tx, wish.request_no)

    async def prove(self, account: Account) -> BadgeRequest:
        """Look whether the domain shows the token; raises Conflict, saying why not."""
        wish = await self.require_open(account)
        if wish.way != "domain":
            raise InvalidParam("This account asked by evidence: send documents.")
        where, problem = await proof.found(wish.domain, wish.token, self._names, self._fetcher)
        if not where:
            raise Conflict(f"The proof was not found: {problem}.")
        async with self.database.transaction() as tx:
            if not await store.set_ready(tx, wish.request_no, self.clock.now_ms(), where):
                raise Conflict("It was decided meanwhile.")
        return await self.require_open(account)

    async def send_document(self, account: Account, name: str, content: bytes) -> Document:
        """Keep a document, sealed, for those who decide."""
        wish = await self.require_open(account)
        if wish.way != "evidence":
            raise InvalidParam("This account asked by domain: no documents are needed.")
        limit(name, NAME_MAX_CHARACTERS, "A document's name")
        if not name.strip() or not content:
            raise InvalidParam("A document has a name and a content.")
        if len(content) > EVIDENCE_MAX_BYTES:
            raise TooLarge(f"A document has at most {EVIDENCE_MAX_BYTES:,} bytes.")
        sealed = await asyncio.to_thread(self._safe.seal, content, wish.request_no)
        now_ms = self.clock.now_ms()
        async with self.database.transaction() as tx:
            if len(await store.documents(tx, wish.request_no)) >= EVIDENCE_FILES_MAX:
                raise Forbidden(f"At most {EVIDENCE_FILES_MAX} documents go with a request.")
            if not await store.set_ready(tx, wish.request_no, now_ms, ""):
                raise Conflict("It was decided meanwhile.")
            number = tx.positions()
            sealed_name = self._safe.seal(name.encode(), wish.request_no)
            await store.add_document(tx, number, wish.request_no, len(content), now_ms, sealed_name, sealed)
        return Document(number, name, len(content), now_ms)

    async def open_of(self, account: Account) -> BadgeRequest | None:
        """What the account asks for now."""
        return await store.open_request(self.database, account.account_no)

    async def require_open(self, account: Account) -> BadgeRequest:
        """The same; raises NotFound."""
        wish = await self.open_of(account)
        if wish is None:
            raise NotFound("This account has not asked for a badge.")
        return wish

    async def request(self, request_no: int) -> BadgeRequest:
        """A wish by its number; raises NotFound."""
        wish = await store.request(self.database, request_no)
        if wish is None:
            raise NotFound("There is no such request.")
        return wish

    async def documents(self, request_no: int) -> list[Document]:
        """The documents of a wish, without their content."""
        rows = await store.documents(self.database, request_no)
        return [Document(no, self._safe.open(name, request_no).decode(), size, ms) for no, name, size, ms in rows]

    async def document(self, staff_no: int, wish: BadgeRequest, evidence_no: int) -> tuple[str, bytes]:
        """A document's name and content, for one who decides; that they opened it is written into the register."""
        await self.check_may_decide(staff_no, wish.account_no)
        row = await store.document(self.database, wish.request_no, evidence_no, self.clock.now_ms())
        if row is None:
            raise NotFound("There is no such document, or no longer.")
        name = self._safe.open(row[0], wish.request_no).decode()
        content = await asyncio.to_thread(self._safe.open, row[1], wish.request_no)
        account = await self._account(wish.account_no)
        async with self.database.transaction() as tx:
            staff = await self._accounts.users.user_id(staff_no)
            await self._accounts.registered.note_action(tx, staff, "open evidence", f"@{account.handle}", name)
        return name, content

    async def decide(self, staff_no: int, request_no: int, granted: bool, reason: str) -> BadgeRequest:
        """Say yes or no as one of the operator's staff. One no decides; a yes when enough have said it."""
        wish = await self.request(request_no)
        account = await self.check_may_decide(staff_no, wish.account_no)
        said = checked_reason(reason) if not granted or reason.strip() else ""
        now_ms = self.clock.now_ms()
        if granted:
            self._check_ready(wish, account)
        async with self.database.transaction() as tx:
            current = await store.request(tx, request_no)
            if current is None or current.state != "open":
                raise Conflict("This request was decided already, or taken back.")
            if not await store.put_verdict(tx, request_no, Verdict(staff_no, granted, said, now_ms)):
                raise Conflict("You have said what you think of this request; now it is for somebody else.")
            if not granted:
                await store.decide(tx, request_no, "refused", now_ms, now_ms + EVIDENCE_KEPT_DAYS * DAY_MS)
                await store.tell(tx, wish.account_no, "refused", said, now_ms, staff_no)
            enough = granted and await self._enough(tx, wish)
        if enough:
            await self._grant(wish, account, staff_no)
        return await self.request(request_no)

    async def withdraw(self, account: Account, reason: str, by: int) -> None:
        """Take an account's badge from it, for a reason that it is told: the one door for that."""
        if not account.verified(self.clock.now_ms()):
            raise NotFound("This account has no badge.")
        await self._end(account, "withdrawn", checked_reason(reason), by)

    async def give_up(self, account: Account, by: int) -> None:
        """An owner gives the badge back."""
        if not account.verified(self.clock.now_ms()):
            raise NotFound("This account has no badge.")
        await self._end(account, "given up", "", by)

    async def check_may_decide(self, staff_no: int, account_no: int) -> Account:
        """The account; raises Forbidden for one who works for it, or is it."""
        account = await self._account(account_no)
        if staff_no == account_no or await self._accounts.role(staff_no, account_no):
            raise Forbidden("Nobody decides on an account that they work for.")
        return account

    async def look_alikes(self, account: Account, after: int, most: int) -> tuple[list[lookalikes.Named], int]:
        """Accounts that look like one, for the operator's staff to see: nothing is done to them."""
        return await lookalikes.existing(self.database, named(account), after, SCANNED_MAX, most)

    async def run(self) -> None:
        """Sweep every minute, until cancelled."""
        while True:
            # A full disk must not end the server; what could not be written is swept the next time.
            with suppress(StorageFull):
                await self.sweep()
            await asyncio.sleep(SWEEP_EVERY_S)

    async def sweep(self) -> None:
        """End badges that are over, delete documents whose time has come, grant what a stop of the server cut short."""
        now_ms = self.clock.now_ms()
        for account_no in await store.expired(self.database, now_ms, SWEEP_MAX):
            account = await self._account(account_no)
            if account.badge_until_ms <= now_ms:
                with suppress(Conflict):
                    await self._end(account, "expired", "", 0)
        if await store.has_old_documents(self.database, now_ms):
            async with self.database.transaction() as tx:
                await store.drop_old_documents(tx, now_ms)
        for request_no in await store.ripe(self.database, SWEEP_MAX):
            wish = await self.request(request_no)
            if await self._enough(self.database, wish):
                with suppress(Conflict):
                    await self._grant(wish, await self._account(wish.account_no), 0)

    async def _enough(self, reader: Database | Transaction, wish: BadgeRequest) -> bool:
        """Whether enough different people of the operator's staff have said yes."""
        said = [each.staff_no for each in await store.verdicts(reader, wish.request_no) if each.granted]
        return len(said) >= GRANTS[wish.way]

    def _check_ready(self, wish: BadgeRequest, account: Account) -> None:
        """Raises Conflict for a wish that nobody can say yes to."""
        if not wish.ready_ms:
            raise Conflict("There is nothing yet to decide on: the proof, or a document, is still to come.")
        if account.name != wish.name:
            raise Conflict("The account has another name than when it asked; it has to ask anew.")
        if wish.way == "domain" and wish.ready_ms < self.clock.now_ms() - PROOF_GOOD_DAYS * DAY_MS:
            raise Conflict(f"The proof is older than {PROOF_GOOD_DAYS} days; the account has to show it again.")

    async def _grant(self, wish: BadgeRequest, account: Account, by: int) -> None:
        """Give the badge: in the channel, in the profile, with the account, all or none."""
        self._check_ready(wish, account)
        now_ms = self.clock.now_ms()
        until_ms = now_ms + TERM_DAYS * DAY_MS
        shown = {"kind": account.kind, "name": account.name, "since_ts": now_ms, "until_ts": until_ms}
        if wish.domain:
            shown["domain"] = wish.domain

        async def granted(tx: Transaction, events: Sequence[StoredEvent]) -> None:
            kept_ms = now_ms + EVIDENCE_KEPT_DAYS * DAY_MS
            if not await store.decide(tx, wish.request_no, "granted", now_ms, kept_ms):
                raise Conflict("This request was decided already, or taken back.")
            await store.set_badge(tx, account.account_no, account.kind, until_ms)
            await self._accounts.users.set_field(tx, account.account_no, VERIFIED, shown)
            await lookalikes.guard(tx, named(account))
            await store.tell(tx, account.account_no, "granted", "", now_ms, by)
            tx.on_commit(lambda: self._accounts.forget(account.account_no))

        await self._show(account, shown, granted)

    async def _end(self, account: Account, act: Act, reason: str, by: int) -> None:
        """Take the badge away everywhere."""

        async def ended(tx: Transaction, events: Sequence[StoredEvent]) -> None:
            if not await store.drop_badge(tx, account.account_no, account.badge_until_ms):
                raise Conflict("The badge changed meanwhile.")
            await self._accounts.users.drop_field(tx, account.account_no, VERIFIED)
            await lookalikes.unguard(tx, account.account_no)
            await store.tell(tx, account.account_no, act, reason, self.clock.now_ms(), by)
            tx.on_commit(lambda: self._accounts.forget(account.account_no))

        await self._show(account, {}, ended)

    async def _show(self, account: Account, content: dict[str, object], also: Also) -> None:
        draft = Draft(BADGE, content, "")
        await self._rooms.append(Proposal(account.user_id, account.account_no, [draft], account.room_no, also=also))

    async def _account(self, account_no: int) -> Account:
        account = await self._accounts.at(account_no)
        assert account is not None
        return account


def named(account: Account) -> lookalikes.Named:
    """An account by what it is called."""
    return lookalikes.Named(account.account_no, account.handle, account.name)


def checked_reason(reason: str) -> str:
    """A statement's reason; raises InvalidParam without one."""
    limit(reason, REASON_MAX_CHARACTERS, "A reason")
    if not reason.strip():
        raise InvalidParam("A reason is needed: the account is told.")
    return reason.strip()
