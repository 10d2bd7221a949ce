"""Rate limits: token buckets by user or address, and waiting times for those who guess passwords.

Time is an argument of everything that counts; nothing here knows a clock.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from teahouse.clock import Clock
from teahouse.config import RateLimitsConfig
from teahouse.errors import LimitExceeded
from teahouse.http.messages import Requester

BUCKETS_MAX = 100_000  # buckets kept; a full one is forgotten first, it limits nobody
BURST_SECONDS = 10  # a bucket holds what comes in during so many seconds
GUESSES_FREE = 5  # wrong passwords before the waiting begins
GUESS_WAIT_MS = 1_000  # the first wait; it doubles with every further guess
GUESS_WAIT_MAX_MS = 900_000  # the longest wait
GUESSERS_MAX = 100_000  # accounts and addresses remembered


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast a bucket fills, and how much it holds."""

    per_second: float
    burst: float


@dataclass(slots=True)
class Bucket:
    """What is left, as of a moment."""

    left: float
    at_ms: int


def spend(bucket: Bucket, rate: Rate, now_ms: int) -> int:
    """Take one from a bucket; 0 when there was one, else the milliseconds until there is."""
    bucket.left = min(rate.burst, bucket.left + (now_ms - bucket.at_ms) * rate.per_second / 1_000)
    bucket.at_ms = now_ms
    if bucket.left >= 1:
        bucket.left -= 1
        return 0
    return max(1, round((1 - bucket.left) * 1_000 / rate.per_second)) if rate.per_second else 60_000


def rates(limits: RateLimitsConfig) -> Mapping[str, Rate]:
    """The operator's rate limits by the names that routes use."""
    seconds = {
        "default": limits.default_per_second,
        "send": limits.send_per_second,
        "sync": limits.sync_per_second,
        "receipts": limits.receipts_per_second,
    }
    minutes = {
        "join": limits.join_per_minute,
        "create": limits.create_per_minute,
        "invite": limits.invite_per_minute,
        "login": limits.login_per_minute,
        "register": limits.register_per_minute,
        "media": limits.media_per_minute,
        "mail": limits.mail_per_minute,
    }
    found = {name: Rate(float(count), float(count * BURST_SECONDS)) for name, count in seconds.items()}
    return found | {name: Rate(count / 60, float(count)) for name, count in minutes.items()}


class RateLimiter:
    """All buckets of the server."""

    def __init__(self, rates: Mapping[str, Rate], clock: Clock, *, enabled: bool) -> None:
        """`rates` by the names that routes use; `default` must be among them."""
        self._rates = rates
        self._clock = clock
        self._enabled = enabled
        self._buckets: OrderedDict[tuple[str, str], Bucket] = OrderedDict()

    def spend(self, limit: str, requester: Requester | None, client_ip: str) -> None:
        """Count one request; raises LimitExceeded with the time to wait."""
        if not self._enabled:
            return
        rate = self._rates.get(limit) or self._rates["default"]
        key = (limit, client_ip if requester is None else requester.user_id)
        now_ms = self._clock.monotonic_ms()
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(rate.burst, now_ms)
            self._make_room()
        else:
            self._buckets.move_to_end(key)
        wait_ms = spend(bucket, rate, now_ms)
        if wait_ms:
            raise LimitExceeded("You are asking too often; wait a moment.", retry_after_ms=wait_ms)

    def _make_room(self) -> None:
        """Forget the bucket not used for longest: it is full again, or nearly."""
        if len(self._buckets) > BUCKETS_MAX:
            self._buckets.popitem(last=False)


class Guesses:
    """Slows down guessing, by account and by address."""

    def __init__(self, clock: Clock, *, enabled: bool) -> None:
        self._clock = clock
        self._enabled = enabled
        self._failures: OrderedDict[str, tuple[int, int]] = OrderedDict()  # key → (wrong guesses, free again at ms)

    def check(self, account: str, address: str) -> None:
        """Raises LimitExceeded while the account or the address has to wait."""
        if not self._enabled:
            return
        now_ms = self._clock.monotonic_ms()
        for key in (f"account {account}", f"address {address}"):
            _, until_ms = self._failures.get(key, (0, 0))
            if until_ms > now_ms:
                raise LimitExceeded("Too many wrong passwords; wait a while.", retry_after_ms=until_ms - now_ms)

    def failed(self, account: str, address: str) -> None:
        """A guess was wrong."""
        now_ms = self._clock.monotonic_ms()
        for key in (f"account {account}", f"address {address}"):
            count = self._failures.get(key, (0, 0))[0] + 1
            wait_ms = 0
            if count > GUESSES_FREE:
                wait_ms = min(GUESS_WAIT_MS << min(count - GUESSES_FREE - 1, 20), GUESS_WAIT_MAX_MS)
            self._failures[key] = (count, now_ms + wait_ms)
            self._failures.move_to_end(key)
        while len(self._failures) > GUESSERS_MAX:
            self._failures.popitem(last=False)

    def succeeded(self, account: str, address: str) -> None:
        """The right password: the account starts anew. The address keeps its wrong guesses at others."""
        self._failures.pop(f"account {account}", None)
