"""What an account and its sessions are, and what users needs of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from teahouse.db import Transaction


@dataclass(frozen=True, slots=True)
class Account:
    """One account."""

    user_no: int
    localpart: str
    password: str | None
    admin: bool
    created_ms: int
    closed_ms: int | None
    closed_reason: str | None
    signer: bool = False  # signs for a public account: nobody signs in as it


@dataclass(frozen=True, slots=True)
class Device:
    """One device of a user."""

    device_id: str
    display_name: str | None
    seen_ms: int | None
    seen_ip: str | None


@dataclass(frozen=True, slots=True)
class NewDevice:
    """What a client says of the device it logs in on. Without an id it gets one."""

    device_id: str | None
    display_name: str | None
    refreshable: bool  # its client can refresh tokens, so that they may expire


@dataclass(frozen=True, slots=True)
class Session:
    """What a login gives."""

    user_id: str
    user_no: int
    device_id: str
    access_token: str
    refresh_token: str | None
    expires_in_ms: int | None


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """Whose refresh token it is, and whether it was exchanged for a newer one."""

    user_no: int
    device_id: str
    replaced: bool


@dataclass(frozen=True, slots=True)
class RegistrationToken:
    """A word that lets its holder make an account."""

    token: str
    uses_allowed: int | None
    uses: int
    expires_ms: int | None
    makes_admin: bool

    def valid(self, now_ms: int, pending: int = 0) -> bool:
        """Whether it can be used once more, besides the `pending` who were let in by it and have yet to use it."""
        if self.expires_ms is not None and self.expires_ms <= now_ms:
            return False
        return self.uses_allowed is None or self.uses + pending < self.uses_allowed


@dataclass(frozen=True, slots=True)
class AccountRules:
    """The operator's rules for accounts."""

    registration: str  # token, open or closed
    terms_url: str  # terms of service to accept at registration; empty for none
    password_min_characters: int
    access_token_minutes: int  # life of an access token whose client can refresh it


class DeviceListener(Protocol):
    """Told, inside the transaction, of devices that come, change their names and go."""

    async def device_added(self, tx: Transaction, user_no: int, device_id: str) -> None:
        """Raises Forbidden for an id that a key of the user's has already."""

    async def device_renamed(self, tx: Transaction, user_no: int) -> None: ...

    async def devices_deleted(self, tx: Transaction, user_no: int, device_ids: Sequence[str]) -> None: ...


class Guesses(Protocol):
    """Slows down those who guess."""

    def check(self, account: str, address: str) -> None:
        """Raises LimitExceeded while either has to wait."""

    def failed(self, account: str, address: str) -> None: ...

    def succeeded(self, account: str, address: str) -> None: ...
