"""Devices and tokens: logging in and out, refreshing, and turning a token into its owner on every request."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Sequence

from teahouse.clock import Clock
from teahouse.db import Database, Transaction
from teahouse.errors import Forbidden, InvalidParam, UnknownToken
from teahouse.http.messages import Requester
from teahouse.matrix import identifiers
from teahouse.users import store
from teahouse.users.directory import UserDirectory
from teahouse.users.types import Account, AccountRules, DeviceListener, Session

TOKENS_CACHED_MAX = 50_000  # access tokens whose owner is kept in memory
DEVICES_MAX = 200  # devices of one user
DEVICE_NAME_MAX_CHARACTERS = 255  # of a device's display name
SEEN_EVERY_MS = 600_000  # how often a device's last use is written down
WRITE_SEEN_EVERY_S = 60  # how often those uses are written, all in one transaction
LOGIN_TOKEN_LIFE_MS = 120_000  # of a one-time login token
DEVICE_ID_LENGTH = 10


class Sessions:
    """Sessions of all users."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        directory: UserDirectory,
        rules: AccountRules,
        listener: DeviceListener,
    ) -> None:
        self.database = database
        self._clock = clock
        self._directory = directory
        self._rules = rules
        self._listener = listener
        self._cache: OrderedDict[bytes, tuple[Requester, int | None]] = OrderedDict()
        self._seen: dict[tuple[int, str], int] = {}
        self._unwritten: dict[tuple[int, str], tuple[int, str]] = {}

    async def requester(self, token: str) -> Requester:
        """Whose token this is; raises UnknownToken. The common case is one look in memory."""
        token_hash = digest(token)
        cached = self._cache.get(token_hash)
        if cached is None:
            cached = await self._load(token_hash)
        requester, expires_ms = cached
        if expires_ms is not None and expires_ms <= self._clock.now_ms():
            raise UnknownToken("The access token has expired.", soft_logout=True)
        return requester

    async def login(
        self, account: Account, device_id: str | None, display_name: str | None, *, refreshable: bool
    ) -> Session:
        """A session on a device, new or known; a known device's earlier tokens end."""
        async with self.database.transaction() as tx:
            return await self.begin(tx, account, device_id, display_name, refreshable=refreshable)

    async def begin(
        self, tx: Transaction, account: Account, device_id: str | None, display_name: str | None, *, refreshable: bool
    ) -> Session:
        """The same inside a transaction."""
        if device_id is None:
            device_id = "".join(secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ") for _ in range(DEVICE_ID_LENGTH))
        identifiers.device_id(device_id)
        check_name(display_name)
        known = await store.devices(tx, account.user_no)
        if len(known) >= DEVICES_MAX and all(device.device_id != device_id for device in known):
            raise Forbidden(f"An account has at most {DEVICES_MAX} devices; sign out of one first.")
        if not await store.put_device(tx, account.user_no, device_id, display_name, self._clock.now_ms()):
            await store.drop_tokens(tx, account.user_no, device_id)
            tx.on_commit(lambda: self.forget(account.user_no, [device_id]))
        return await self._issue(tx, account.user_no, account.localpart, device_id, refreshable=refreshable)

    async def refresh(self, refresh_token: str) -> Session:
        """New tokens for old. The old refresh token stays valid until the new one is used: answers get lost."""
        old = digest(refresh_token)
        async with self.database.transaction() as tx:
            owner = await store.refresh_token(tx, old)
            if owner is None:
                raise UnknownToken("The refresh token is not known.", soft_logout=False)
            user_no, device_id = owner
            account = await store.by_number(tx, user_no)
            assert account is not None
            await tx.execute("DELETE FROM access_tokens WHERE user_no = ? AND device_id = ?", user_no, device_id)
            tx.on_commit(lambda: self.forget(user_no, [device_id]))
            session = await self._issue(tx, user_no, account.localpart, device_id, refreshable=True)
            assert session.refresh_token is not None
            await store.succeed(tx, user_no, device_id, old, digest(session.refresh_token))
            return session

    async def logout(self, requester: Requester) -> None:
        """End a session; its device goes with it."""
        await self.delete(requester.user_no, [requester.device_id])

    async def delete(self, user_no: int, device_ids: Sequence[str]) -> None:
        """Delete devices, their tokens and their keys."""
        if not device_ids:
            return
        async with self.database.transaction() as tx:
            await self.delete_in(tx, user_no, device_ids)

    async def delete_in(self, tx: Transaction, user_no: int, device_ids: Sequence[str]) -> None:
        """The same inside a transaction."""
        await store.delete_devices(tx, user_no, device_ids)
        await self._listener.devices_deleted(tx, user_no, device_ids)
        tx.on_commit(lambda: self.forget(user_no, device_ids))

    async def rename(self, user_no: int, device_id: str, name: str | None) -> None:
        """Change a device's display name."""
        async with self.database.transaction() as tx:
            await store.rename_device(tx, user_no, device_id, name)

    async def all_devices(self, user_no: int) -> list[str]:
        """The ids of a user's devices."""
        return [device.device_id for device in await store.devices(self.database, user_no)]

    async def login_token(self, user_no: int) -> tuple[str, int]:
        """A one-time login token and how long it lives, in milliseconds."""
        token = secrets.token_urlsafe(32)
        async with self.database.transaction() as tx:
            await store.add_login_token(tx, digest(token), user_no, self._clock.now_ms() + LOGIN_TOKEN_LIFE_MS)
        return token, LOGIN_TOKEN_LIFE_MS

    async def redeem(self, token: str) -> Account:
        """Whose one-time login token this was; raises Forbidden."""
        async with self.database.transaction() as tx:
            user_no = await store.take_login_token(tx, digest(token), self._clock.now_ms())
        account = None if user_no is None else await store.by_number(self.database, user_no)
        if account is None:
            raise Forbidden("The login token is not valid, or no longer.")
        return account

    def seen(self, requester: Requester, address: str) -> None:
        """Note in memory that a device was used; `run` writes it down now and then."""
        key = (requester.user_no, requester.device_id)
        now_ms = self._clock.now_ms()
        if now_ms - self._seen.get(key, 0) >= SEEN_EVERY_MS:
            if len(self._seen) > TOKENS_CACHED_MAX:
                self._seen.clear()
            self._seen[key] = now_ms
            self._unwritten[key] = (now_ms, address)

    async def run(self) -> None:
        """Write down, every minute, which devices were used, until cancelled."""
        while True:
            await asyncio.sleep(WRITE_SEEN_EVERY_S)
            unwritten, self._unwritten = self._unwritten, {}
            if unwritten:
                rows = [(*moment, *key) for key, moment in unwritten.items()]
                async with self.database.transaction() as tx:
                    await store.seen(tx, rows)

    def forget(self, user_no: int, device_ids: Sequence[str]) -> None:
        """Drop sessions from memory."""
        gone = [
            token_hash
            for token_hash, (requester, _) in self._cache.items()
            if requester.user_no == user_no and requester.device_id in device_ids
        ]
        for token_hash in gone:
            del self._cache[token_hash]

    async def _load(self, token_hash: bytes) -> tuple[Requester, int | None]:
        head = self.database.head
        found = await store.access_token(self.database, token_hash)
        account = None if found is None else await store.by_number(self.database, found[0])
        if found is None or account is None or account.closed_ms is not None:
            raise UnknownToken("The access token is not known, or was signed out.", soft_logout=False)
        user_no, device_id, expires_ms = found
        user_id = self._directory.full_id(account.localpart)
        self._directory.remember(user_no, user_id)
        requester = Requester(user_id, user_no, device_id, account.admin, token_hash)
        if head == self.database.head:  # else it may have been signed out meanwhile: look again next time
            self._cache[token_hash] = (requester, expires_ms)
            if len(self._cache) > TOKENS_CACHED_MAX:
                self._cache.popitem(last=False)
        return requester, expires_ms

    async def _issue(
        self, tx: Transaction, user_no: int, localpart: str, device_id: str, *, refreshable: bool
    ) -> Session:
        access = f"thu_{secrets.token_urlsafe(32)}"
        refresh = f"thr_{secrets.token_urlsafe(32)}" if refreshable else None
        life_ms = self._rules.access_token_minutes * 60_000 if refreshable else None
        expires_ms = None if life_ms is None else self._clock.now_ms() + life_ms
        await store.add_access_token(tx, digest(access), user_no, device_id, expires_ms)
        if refresh is not None:
            await store.add_refresh_token(tx, digest(refresh), user_no, device_id)
        return Session(self._directory.full_id(localpart), user_no, device_id, access, refresh, life_ms)


def digest(token: str) -> bytes:
    """What is stored of a token."""
    return hashlib.sha256(token.encode(errors="replace")).digest()


def check_name(name: str | None) -> None:
    """Hold a device's display name to its size."""
    if name is not None and len(name) > DEVICE_NAME_MAX_CHARACTERS:
        raise InvalidParam(f"A device's name has at most {DEVICE_NAME_MAX_CHARACTERS} characters.")
