"""Accounts: made, logged into, given a new password, closed."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from teahouse.clock import Clock
from teahouse.db import BUCKETS, Database, Transaction
from teahouse.errors import (
    BadJson,
    Forbidden,
    InvalidParam,
    InvalidUsername,
    LimitExceeded,
    NotFound,
    UserDeactivated,
    UserInUse,
    WrongPassword,
)
from teahouse.eventlog.identifiers import number_at
from teahouse.matrix import identifiers
from teahouse.users import store
from teahouse.users.account_data import AccountData
from teahouse.users.directory import UserDirectory
from teahouse.users.passwords import Passwords
from teahouse.users.sessions import Sessions
from teahouse.users.types import Account, AccountRules, Guesses, NewDevice, RegistrationToken, Session

TOKEN_MAX_CHARACTERS = 64  # Client-Server API, "Token-authenticated registration"
TRIES_AT_ONCE_MAX = 5  # passwords of one account checked at the same time: a guess counts only when it was checked
TRY_AGAIN_MS = 1_000  # told to those beyond it


class Rooms(Protocol):
    """What closing an account does to the rooms it is in."""

    async def leave_all(self, user_no: int, user_id: str) -> None: ...

    async def erase(self, user_no: int) -> None:
        """Delete what somebody said in public."""


class Closing(Protocol):
    """Told, inside the transaction, that somebody closes their account for good."""

    async def closed(self, tx: Transaction, user_no: int) -> None: ...


class Accounts:
    """Accounts of this server."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        directory: UserDirectory,
        sessions: Sessions,
        passwords: Passwords,
        guesses: Guesses,
        rules: AccountRules,
        rooms: Rooms,
        account_data: AccountData,
    ) -> None:
        self._database = database
        self._clock = clock
        self.directory = directory
        self.sessions = sessions
        self.passwords = passwords
        self._guesses = guesses
        self.rules = rules
        self._rooms = rooms
        self._account_data = account_data
        self._trying: dict[str, int] = {}
        self.closing: list[Closing] = []

    def now_ms(self) -> int:
        """The time by which tokens expire."""
        return self._clock.now_ms()

    async def check_available(self, localpart: str) -> None:
        """Raises InvalidUsername or UserInUse."""
        self._check_name(localpart)
        if await store.by_localpart(self._database, localpart) is not None:
            raise UserInUse("This user name is taken.")

    async def register(
        self, localpart: str | None, password: str | None, *, token: str | None = None, admin: bool = False
    ) -> Account:
        """Make an account. With `token` it is used up in the same transaction; it may make an administrator."""
        hashed = await self._prepare(localpart, password)
        async with self._database.transaction() as tx:
            return await self._make(tx, localpart, hashed, token, admin=admin)

    async def register_signer(self, localpart: str, also: Callable[[Transaction, int], Awaitable[None]]) -> Account:
        """Make an account that nobody signs in to: it signs what others write for it. `also` writes with it."""
        await self.check_available(localpart)
        async with self._database.transaction() as tx:
            made = await self._make(tx, localpart, None, None, admin=False, signer=True)
            await also(tx, made.user_no)
            return made

    async def note_action(self, tx: Transaction, actor: str, action: str, subject: str, reason: str) -> None:
        """Write into the register what one of the operator's staff did."""
        await store.register_action(tx, self._clock.now_ms(), actor, action, subject, reason)

    async def register_crowd(self, tx: Transaction, count: int) -> list[int]:
        """Make many users whom nobody signs in as, to measure with; their numbers."""
        first, now_ms = tx.positions(count), self._clock.now_ms()
        numbers = [number_at(first + each, secrets.randbelow(BUCKETS)) for each in range(count)]
        made = [Account(number, f"synthetic-{number:x}", None, False, now_ms, None, None) for number in numbers]
        await store.insert_many(tx, made)
        return numbers

    async def numbers(self, localparts: Sequence[str]) -> dict[str, int]:
        """The user_no of every user there is among some names; those who closed their account are left out."""
        return await store.numbers(self._database, localparts)

    async def register_on(
        self, device: NewDevice, localpart: str | None, password: str | None, token: str | None
    ) -> Session:
        """The same with a first session: both are made, or neither."""
        hashed = await self._prepare(localpart, password)
        async with self._database.transaction() as tx:
            made = await self._make(tx, localpart, hashed, token, admin=False)
            return await self.sessions.begin(tx, made, device)

    async def login_by_password(self, user: str, password: str, address: str) -> Account:
        """The account of a user name or id and its password. Wrong guesses make the next ones wait."""
        localpart = self.directory.localpart(user) if user.startswith("@") else user
        account = None if localpart is None else await store.by_localpart(self._database, localpart)
        if account is None and localpart is not None and localpart != localpart.lower():
            account = await store.by_localpart(self._database, localpart.lower())
        stored = None if account is None else account.password
        matched = await self._try((localpart or user).lower(), address, stored, password)
        if account is not None and account.closed_ms is not None:
            # The statement of reasons is for the person alone, and the password tells who that is.
            reason = account.closed_reason if matched else None
            raise UserDeactivated(reason or "This account has been deactivated.")
        if account is None or not matched:
            raise WrongPassword("The user name or password is wrong.")
        return account

    async def login_by_token(self, token: str) -> Account:
        """The account of a one-time login token."""
        account = await self.sessions.redeem(token)
        if account.closed_ms is not None:
            raise UserDeactivated("This account has been deactivated.")
        return account

    async def check_password(self, auth: Mapping[str, Any], user_no: int, address: str) -> None:
        """The password stage of user-interactive authentication. Raises Forbidden."""
        password = auth.get("password")
        if not isinstance(password, str):
            raise Forbidden("The password is missing.")
        account = await store.by_number(self._database, user_no)
        if account is None or not await self._try(account.localpart, address, account.password, password):
            raise Forbidden("The password is wrong.")

    async def change_password(self, user_no: int, password: str, keep_device: str | None, *, logout: bool) -> None:
        """Set a new password; with `logout` every other device is signed out."""
        self.passwords.check_policy(password)
        await self._check_person(user_no)
        hashed = await self.passwords.hash(password)
        async with self._database.transaction() as tx:
            await store.set_password(tx, user_no, hashed)
            if logout:
                await self.sessions.delete_all_in(tx, user_no, but=keep_device)

    async def close(
        self, user_no: int, reason: str | None = None, actor: str | None = None, *, erase: bool = False
    ) -> None:
        """Deactivate an account for good: signed out everywhere, out of every room, its profile gone.

        With `erase` also what it kept with us goes: account data, tags, filters, comments. With `actor`, one of the
        operator's staff did it: the reason goes into the register and is told to the person, and the password and the
        profile stay, so that the person can be known again.
        """
        user_id = await self.directory.user_id(user_no)
        await self._check_person(user_no)
        # The rooms first: if the server stops half way the account still works and can be closed again.
        await self._rooms.leave_all(user_no, user_id)
        if erase:
            await self._rooms.erase(user_no)
        async with self._database.transaction() as tx:
            await store.close(tx, user_no, self._clock.now_ms(), reason)
            await self.sessions.delete_all_in(tx, user_no)
            if actor is None:
                await store.set_password(tx, user_no, None)
                await self.directory.erase_profile(tx, user_no)
            else:
                await store.register_action(tx, self._clock.now_ms(), actor, "deactivate", user_id, reason or "")
            if erase:
                await self._account_data.erase(tx, user_no)
            for each in self.closing:
                await each.closed(tx, user_no)

    async def find(self, name: str) -> Account:
        """An account by user name or id; raises NotFound."""
        localpart = self.directory.localpart(name) if name.startswith("@") else name
        account = None if localpart is None else await store.by_localpart(self._database, localpart)
        if account is None:
            raise NotFound(f"There is no user {name} here.")
        return account

    async def page(self, after: str, limit: int) -> list[Account]:
        """Accounts by name."""
        return await store.accounts(self._database, after, limit)

    async def has_admin(self) -> bool:
        """Whether there is an administrator."""
        return bool(await store.count_admins(self._database))

    async def make_token(
        self, token: str | None, uses_allowed: int | None, expires_ms: int | None, *, makes_admin: bool = False
    ) -> RegistrationToken:
        """A new registration token."""
        word = token or secrets.token_urlsafe(12)
        if not identifiers.opaque(word) or len(word) > TOKEN_MAX_CHARACTERS:
            raise InvalidParam(f"A token has 1 to {TOKEN_MAX_CHARACTERS} characters of A-Z a-z 0-9 . _ ~ -")
        if uses_allowed is not None and uses_allowed < 0:
            raise InvalidParam("The number of uses must not be negative.")
        made = RegistrationToken(word, uses_allowed, 0, expires_ms, makes_admin)
        if await self.token(word) is not None:
            raise InvalidParam("There is such a token already.")
        async with self._database.transaction() as tx:
            await store.add_registration_token(tx, made, self._clock.now_ms())
        return made

    async def tokens(self) -> list[RegistrationToken]:
        """Every registration token."""
        return await store.registration_tokens(self._database)

    async def token(self, word: str) -> RegistrationToken | None:
        """A registration token by its word."""
        if not identifiers.opaque(word):
            return None
        return await store.registration_token(self._database, word)

    async def _check_person(self, user_no: int) -> None:
        """Raises Forbidden for a user that signs for a public account: nobody signs in as it, and it stays."""
        account = await store.by_number(self._database, user_no)
        if account is not None and account.signer:
            raise Forbidden("This user signs for a public account: it has no password, and is not closed by itself.")

    async def _prepare(self, localpart: str | None, password: str | None) -> str | None:
        """Check a new account's name and password; the hash to store."""
        if password is not None:
            self.passwords.check_policy(password)
        if localpart is not None:
            await self.check_available(localpart)
        return None if password is None else await self.passwords.hash(password)

    async def _make(
        self, tx: Transaction, localpart: str | None, hashed: str | None, token: str | None, *, admin: bool,
        signer: bool = False,
    ) -> Account:  # fmt: skip
        now_ms = self._clock.now_ms()
        if token is not None:
            known = await store.registration_token(tx, token)
            if known is None or not await store.use_registration_token(tx, token, now_ms):
                raise Forbidden("The registration token is not valid, or no longer.")
            admin = admin or known.makes_admin
        user_no = number_at(tx.positions(), secrets.randbelow(BUCKETS))
        name = localpart if localpart is not None else f"{user_no >> 10:x}{secrets.token_hex(3)}"
        made = Account(user_no, name, hashed, admin, now_ms, None, None, signer)
        if not await store.insert(tx, made):
            raise UserInUse("This user name is taken.")
        await self.directory.set_field(tx, user_no, "displayname", name)
        return made

    async def _try(self, account: str, address: str, stored: str | None, password: str) -> bool:
        """Check a password; wrong ones make the next ones wait, for the account and for the address."""
        self._guesses.check(account, address)
        if self._trying.get(account, 0) >= TRIES_AT_ONCE_MAX:
            raise LimitExceeded("Too many passwords at once; wait a moment.", retry_after_ms=TRY_AGAIN_MS)
        self._trying[account] = self._trying.get(account, 0) + 1
        try:
            matched = await self.passwords.matches(stored, password)
        finally:
            self._trying[account] -= 1
            if not self._trying[account]:
                del self._trying[account]
        (self._guesses.succeeded if matched else self._guesses.failed)(account, address)
        return matched

    def _check_name(self, localpart: str) -> None:
        try:
            identifiers.localpart(localpart, self.directory.full_id("")[2:])
        except InvalidParam as refusal:
            raise InvalidUsername(refusal.message) from None


def named_user(auth: Mapping[str, Any]) -> str | None:
    """The user a login names: by identifier, or as older clients do. None when it names none.

    Raises Forbidden for an address or a phone number: no account here has one.
    """
    identifier = auth.get("identifier")
    if identifier is None:
        user = auth.get("user")
        if user is None and names_address(auth):
            raise Forbidden("No account here has this address.")
        return user if isinstance(user, str) else None
    if isinstance(identifier, dict) and identifier.get("type") != "m.id.user" and names_address(identifier):
        raise Forbidden("No account here has this address.")
    if not isinstance(identifier, dict) or identifier.get("type") != "m.id.user":
        raise BadJson("The identifier must be of type m.id.user.")
    user = identifier.get("user")
    if not isinstance(user, str):
        raise BadJson("The identifier names no user.")
    return user


def names_address(identifier: Mapping[str, Any]) -> bool:
    """Whether this names somebody by an e-mail address or a phone number. Source: "Identifier types"."""
    pairs = (("medium", "address"), ("country", "phone"))
    return any(all(isinstance(identifier.get(key), str) for key in pair) for pair in pairs)
