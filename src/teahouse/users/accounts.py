"""Accounts: made, logged into, given a new password, closed."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from teahouse.clock import Clock
from teahouse.db import BUCKETS, Database
from teahouse.errors import (
    BadJson,
    Forbidden,
    InvalidParam,
    InvalidUsername,
    NotFound,
    UserDeactivated,
    UserInUse,
    WrongPassword,
)
from teahouse.eventlog.identifiers import number_at
from teahouse.matrix import identifiers
from teahouse.users import store
from teahouse.users.directory import UserDirectory
from teahouse.users.passwords import Passwords
from teahouse.users.sessions import Sessions
from teahouse.users.types import Account, AccountRules, Guesses, RegistrationToken, Session

DUMMY = "m.login.dummy"
TOKEN = "m.login.registration_token"
TERMS = "m.login.terms"
PASSWORD = "m.login.password"
TOKEN_MAX_CHARACTERS = 64  # Client-Server API, "Token-authenticated registration"


class Rooms(Protocol):
    """What closing an account does to the rooms it is in."""

    async def leave_all(self, user_no: int, user_id: str) -> None: ...


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
    ) -> None:
        self._database = database
        self._clock = clock
        self.directory = directory
        self.sessions = sessions
        self.passwords = passwords
        self._guesses = guesses
        self.rules = rules
        self._rooms = rooms

    async def check_available(self, localpart: str) -> None:
        """Raises InvalidUsername or UserInUse."""
        self._check_name(localpart)
        if await store.by_localpart(self._database, localpart) is not None:
            raise UserInUse("This user name is taken.")

    def flows(self) -> Sequence[Sequence[str]]:
        """The stages of registration, by the operator's choice. Raises Forbidden when nobody may register."""
        if self.rules.registration == "closed":
            raise Forbidden("Registration is closed on this server.")
        stages = [TOKEN] if self.rules.registration == "token" else []
        if self.rules.terms_url:
            stages.append(TERMS)
        return [stages or [DUMMY]]

    async def register(
        self,
        localpart: str | None,
        password: str | None,
        *,
        token: str = "",
        admin: bool = False,
        profile: Mapping[str, str] | None = None,
    ) -> Account:
        """Make an account. With `token` it is used up in the same transaction; it may make an administrator."""
        if password is not None:
            self.passwords.check_policy(password)
        if localpart is not None:
            await self.check_available(localpart)
        hashed = None if password is None else await self.passwords.hash(password)
        async with self._database.transaction() as tx:
            if token:
                known = await store.registration_token(tx, token)
                if known is None or not await store.use_registration_token(tx, token, self._clock.now_ms()):
                    raise Forbidden("The registration token is not valid, or no longer.")
                admin = admin or known.makes_admin
            user_no = number_at(tx.positions(), secrets.randbelow(BUCKETS))
            name = localpart if localpart is not None else f"{user_no >> 10:x}{secrets.token_hex(3)}"
            made = Account(user_no, name, hashed, admin, self._clock.now_ms(), None, None)
            if not await store.insert(tx, made):
                raise UserInUse("This user name is taken.")
            await self.directory.set_field(tx, user_no, "displayname", (profile or {}).get("displayname", name))
        return made

    async def login_by_password(self, user: str, password: str, address: str) -> Account:
        """The account of a user name or id and its password. Wrong guesses make the next ones wait."""
        localpart = self.directory.localpart(user) if user.startswith("@") else user
        key = (localpart or user).lower()
        self._guesses.check(key, address)
        account = None if localpart is None else await store.by_localpart(self._database, localpart)
        if account is None and localpart is not None and localpart != localpart.lower():
            account = await store.by_localpart(self._database, localpart.lower())
        stored = None if account is None else account.password
        if not await self.passwords.matches(stored, password):
            if account is not None and account.closed_ms is not None:
                raise UserDeactivated(account.closed_reason or "This account has been deactivated.")
            self._guesses.failed(key, address)
            raise WrongPassword("The user name or password is wrong.")
        assert account is not None
        self._guesses.succeeded(key, address)
        return account

    async def login_by_token(self, token: str) -> Account:
        """The account of a one-time login token."""
        account = await self.sessions.redeem(token)
        if account.closed_ms is not None:
            raise UserDeactivated(account.closed_reason or "This account has been deactivated.")
        return account

    async def begin(
        self, account: Account, device_id: str | None, display_name: str | None, *, refreshable: bool
    ) -> Session:
        """A session for an account."""
        return await self.sessions.login(account, device_id, display_name, refreshable=refreshable)

    async def check_password(self, auth: Mapping[str, Any], user_no: int, address: str) -> None:
        """The password stage of user-interactive authentication. Raises Forbidden."""
        password = auth.get("password")
        if not isinstance(password, str):
            raise Forbidden("The password is missing.")
        account = await store.by_number(self._database, user_no)
        assert account is not None
        self._guesses.check(account.localpart, address)
        named = named_user(auth)
        own = (account.localpart, self.directory.full_id(account.localpart))
        if (named is not None and named not in own) or not await self.passwords.matches(account.password, password):
            self._guesses.failed(account.localpart, address)
            raise Forbidden("The password is wrong.")
        self._guesses.succeeded(account.localpart, address)

    async def change_password(self, user_no: int, password: str, keep_device: str | None, *, logout: bool) -> None:
        """Set a new password; with `logout` every other device is signed out."""
        self.passwords.check_policy(password)
        hashed = await self.passwords.hash(password)
        others = [each for each in await self.sessions.all_devices(user_no) if each != keep_device]
        async with self._database.transaction() as tx:
            await store.set_password(tx, user_no, hashed)
            if logout and others:
                await self.sessions.delete_in(tx, user_no, others)

    async def close(self, user_no: int, reason: str | None = None, actor: str | None = None) -> None:
        """Deactivate an account for good: signed out everywhere, out of every room, its profile gone.

        With `actor`, one of the operator's staff did it: the reason is told to the person and goes into the register.
        """
        user_id = await self.directory.user_id(user_no)
        # The rooms first: if the server stops half way the account still works and can be closed again.
        await self._rooms.leave_all(user_no, user_id)
        devices = await self.sessions.all_devices(user_no)
        async with self._database.transaction() as tx:
            await store.close(tx, user_no, self._clock.now_ms(), reason)
            if devices:
                await self.sessions.delete_in(tx, user_no, devices)
            await self.directory.erase_profile(tx, user_no)
            if actor is not None:
                await store.register_action(tx, self._clock.now_ms(), actor, "deactivate", user_id, reason or "")

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
        return await store.registration_token(self._database, word)

    async def token_valid(self, word: str) -> bool:
        """Whether a registration token can be used."""
        known = await self.token(word)
        return known is not None and known.valid(self._clock.now_ms())

    def _check_name(self, localpart: str) -> None:
        try:
            identifiers.localpart(localpart, self.directory.full_id("")[2:])
        except InvalidParam as refusal:
            raise InvalidUsername(refusal.message) from None


def named_user(auth: Mapping[str, Any]) -> str | None:
    """The user a login names: by identifier, or as older clients do. None when it names none."""
    identifier = auth.get("identifier")
    if identifier is None:
        user = auth.get("user")
        return user if isinstance(user, str) else None
    if not isinstance(identifier, dict) or identifier.get("type") != "m.id.user":
        raise BadJson("The identifier must be of type m.id.user.")
    user = identifier.get("user")
    if not isinstance(user, str):
        raise BadJson("The identifier names no user.")
    return user
