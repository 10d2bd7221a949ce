"""Passwords: argon2id, in threads, so that a login never holds up the loop."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from argon2.low_level import ARGON2_VERSION

from teahouse.errors import LimitExceeded, WeakPassword

THREADS = 2  # hashes computed at the same time: each takes 64 MiB and tens of milliseconds
WAITING_MAX = 500  # passwords that wait for a thread: ten seconds' work
TRY_AGAIN_MS = 5_000  # told to those beyond it
PASSWORD_MAX_BYTES = 1_024  # longer input only burns time

T = TypeVar("T")


class Passwords:
    """Makes and checks password hashes."""

    def __init__(self, min_characters: int) -> None:
        self._hasher = PasswordHasher()
        self._threads = ThreadPoolExecutor(THREADS, "password")
        self._waiting = 0
        self._min_characters = min_characters
        # Checked when there is no such user, so that the time taken does not tell.
        self._nobody = hash_of_nothing(self._hasher)

    def check_policy(self, password: str) -> None:
        """Raises WeakPassword for one the operator does not accept."""
        if len(password) < self._min_characters:
            raise WeakPassword(f"A password has at least {self._min_characters} characters.")
        if len(password.encode()) > PASSWORD_MAX_BYTES:
            raise WeakPassword(f"A password has at most {PASSWORD_MAX_BYTES} bytes.")

    async def hash(self, password: str) -> str:
        """The hash to store."""
        return await self._in_thread(self._hasher.hash, password)

    async def matches(self, stored: str | None, password: str) -> bool:
        """Whether a password is the stored one; takes as long when there is none."""
        if len(password.encode()) > PASSWORD_MAX_BYTES:
            return False
        found = await self._in_thread(self._verify, stored or self._nobody, password)
        return found and stored is not None

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _in_thread(self, work: Callable[..., T], *values: str) -> T:
        if self._waiting >= WAITING_MAX:
            raise LimitExceeded("Too many people are signing in; wait a moment.", retry_after_ms=TRY_AGAIN_MS)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *values)
        finally:
            self._waiting -= 1

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (Argon2Error, InvalidHashError):
            return False


def hash_of_nothing(hasher: PasswordHasher) -> str:
    """A hash that no password has and that takes as long to check as any: made up, so that a start does not wait."""
    costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    salt, digest = (
        base64.b64encode(secrets.token_bytes(length)).rstrip(b"=").decode()
        for length in (hasher.salt_len, hasher.hash_len)
    )
    return f"$argon2{hasher.type.name.lower()}$v={ARGON2_VERSION}${costs}${salt}${digest}"
