"""Devices and tokens: logging in and out, refreshing, and turning a token into its owner on every request."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Sequence
from contextlib import suppress
from string import ascii_uppercase

from teahouse.clock import Clock
from teahouse.db import Database, Transaction
from teahouse.errors import Forbidden, InvalidParam, StorageFull, UnknownToken, UserDeactivated, WrongPassword
from teahouse.http.messages import Requester
from teahouse.matrix import identifiers
from teahouse.users import store
from teahouse.users.directory import UserDirectory
from teahouse.users.requesters import Requesters
from teahouse.users.types import Account, AccountRules, DeviceListener, NewDevice, Session

DEVICES_MAX = 200  # devices of one user
DEVICE_NAME_MAX_CHARACTERS = 255  # of a device's display name
SEEN_EVERY_MS = 600_000  # how often a device's last use is written down
SEEN_DEVICES_MAX = 50_000  # devices whose last use is kept in memory
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
        self._requesters = Requesters()
        self._seen: dict[tuple[int, str], int] = {}
        self._unwritten: dict[tuple[int, str], tuple[int, str]] = {}
        self._refreshed: set[tuple[int, str]] = set()  # devices that use their new access token

    async def requester(self, token: str) -> Requester:
        """Whose token this is; raises UnknownToken. The common case is one look in memory."""
        token_hash = digest(token)
        cached = self._requesters.get(token_hash)
        if cached is None:
            cached = await self._load(token_hash)
        requester, expires_ms = cached
        if expires_ms is not None and expires_ms <= self._clock.now_ms():
            raise UnknownToken("The access token has expired.", soft_logout=True)
        return requester

    async def login(self, account: Account, device: NewDevice) -> Session:
        """A session on a device, new or known; a known device's earlier tokens end."""
        async with self.database.transaction() as tx:
            return await self.begin(tx, account, device)

    async def begin(self, tx: Transaction, account: Account, device: NewDevice) -> Session:
        """The same inside a transaction. `account` is as it was when its owner was authenticated."""
        device_id = device.device_id or "".join(secrets.choice(ascii_uppercase) for _ in range(DEVICE_ID_LENGTH))
        check_device(device)
        current = await store.by_number(tx, account.user_no)
        if current is None or current.closed_ms is not None:
            raise UserDeactivated("This account has been deactivated.")
        if current.signer:
            raise Forbidden("Nobody signs in as a public account: its staff publish as themselves.")
        if current.password != account.password:
            raise WrongPassword("The password was changed meanwhile.")
        known = await store.devices(tx, account.user_no)
        if len(known) >= DEVICES_MAX and all(each.device_id != device_id for each in known):
            raise Forbidden(f"An account has at most {DEVICES_MAX} devices; sign out of one first.")
        if await store.put_device(tx, account.user_no, device_id, device.display_name, self._clock.now_ms()):
            await self._listener.device_added(tx, account.user_no, device_id)
        else:
            await store.drop_tokens(tx, account.user_no, device_id)
            tx.on_commit(lambda: self.forget(account.user_no, [device_id]))
        return await self._issue(tx, account.user_no, account.localpart, device_id, refreshable=device.refreshable)

    async def refresh(self, refresh_token: str) -> Session:
        """New tokens for old. The old refresh token stays valid until a new one is used: answers get lost.

        Source: Client-Server API, "Refreshing access tokens".
        """
        old = digest(refresh_token)
        async with self.database.transaction() as tx:
            owner = await store.refresh_token(tx, old)
            if owner is None or (owner.replaced and (owner.user_no, owner.device_id) in self._refreshed):
                raise UnknownToken("The refresh token is not known, or was used before.", soft_logout=False)
            user_no, device_id = owner.user_no, owner.device_id
            account = await store.by_number(tx, user_no)
            assert account is not None
            await store.drop_access_tokens(tx, user_no, device_id)
            session = await self._issue(tx, user_no, account.localpart, device_id, refreshable=True)
            assert session.refresh_token is not None
            await store.succeed(tx, user_no, device_id, old, digest(session.refresh_token))
            # Now, not after the commit: `write_seen` may share it and must not revoke what was just replaced.
            self._refreshed.discard((user_no, device_id))
            tx.on_commit(lambda: self.forget(user_no, [device_id]))
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
        """The same inside a transaction; ids of no device are passed over."""
        known = {device.device_id for device in await store.devices(tx, user_no)}
        gone = [device_id for device_id in dict.fromkeys(device_ids) if device_id in known]
        if not gone:
            return
        await store.delete_devices(tx, user_no, gone)
        await self._listener.devices_deleted(tx, user_no, gone)
        tx.on_commit(lambda: self.forget(user_no, gone))

    async def delete_all_in(self, tx: Transaction, user_no: int, *, but: str | None = None) -> None:
        """Delete a user's devices inside a transaction, save for one, and void the login tokens given out."""
        await store.drop_login_tokens(tx, user_no)
        devices = await store.devices(tx, user_no)
        await self.delete_in(tx, user_no, [device.device_id for device in devices if device.device_id != but])

    async def logout_all(self, user_no: int) -> None:
        """End every session of a user."""
        async with self.database.transaction() as tx:
            await self.delete_all_in(tx, user_no)

    async def rename(self, user_no: int, device_id: str, name: str) -> None:
        """Change a device's display name."""
        async with self.database.transaction() as tx:
            await store.rename_device(tx, user_no, device_id, name)
            await self._listener.device_renamed(tx, user_no)

    async def login_token(self, user_no: int) -> tuple[str, int]:
        """A one-time login token and how long it lives, in milliseconds."""
        token = secrets.token_urlsafe(32)
        async with self.database.transaction() as tx:
            now_ms = self._clock.now_ms()
            await store.add_login_token(tx, digest(token), user_no, now_ms, now_ms + LOGIN_TOKEN_LIFE_MS)
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
            if len(self._seen) >= SEEN_DEVICES_MAX:
                self._seen.clear()
            self._seen[key] = now_ms
            self._unwritten[key] = (now_ms, address)

    async def run(self) -> None:
        """Write down, every minute, which devices were used, until cancelled."""
        while True:
            await asyncio.sleep(WRITE_SEEN_EVERY_S)
            # A full disk must not end the server; what was not written is lost, which harms nobody.
            with suppress(StorageFull):
                await self.write_seen()

    async def write_seen(self) -> None:
        """Write down which devices were used, and revoke the refresh tokens whose successors are in use."""
        if not self._unwritten and not self._refreshed:
            return
        unwritten, self._unwritten = self._unwritten, {}
        async with self.database.transaction() as tx:
            refreshed = list(self._refreshed)
            await store.seen(tx, [(*moment, *key) for key, moment in unwritten.items()])
            await store.drop_replaced(tx, refreshed)
            tx.on_commit(lambda: self._refreshed.difference_update(refreshed))

    def forget(self, user_no: int, device_ids: Sequence[str]) -> None:
        """Drop sessions from memory."""
        self._requesters.forget(user_no, device_ids)
        for device_id in device_ids:
            self._refreshed.discard((user_no, device_id))

    async def _load(self, token_hash: bytes) -> tuple[Requester, int | None]:
        forgettings = self._requesters.forgettings
        found = await store.access_token(self.database, token_hash)
        account = None if found is None else await store.by_number(self.database, found[0])
        if found is None or account is None or account.closed_ms is not None:
            raise UnknownToken("The access token is not known, or was signed out.", soft_logout=False)
        user_no, device_id, expires_ms = found
        user_id = self._directory.full_id(account.localpart)
        self._directory.remember(user_no, user_id)
        requester = Requester(user_id, user_no, device_id, account.admin, token_hash)
        self._requesters.put(requester, expires_ms, forgettings)
        if expires_ms is not None and forgettings == self._requesters.forgettings:
            self._refreshed.add((user_no, device_id))
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


def check_device(device: NewDevice) -> None:
    """Raises InvalidParam for a device that cannot be."""
    if device.device_id is not None:
        identifiers.device_id(device.device_id)
    check_name(device.display_name)


def check_name(name: str | None) -> None:
    """Hold a device's display name to what can be stored."""
    if name is not None and (len(name) > DEVICE_NAME_MAX_CHARACTERS or "\0" in name):
        raise InvalidParam(f"A device's name has at most {DEVICE_NAME_MAX_CHARACTERS} characters.")
