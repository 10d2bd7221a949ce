"""The time, as a value that tests can replace."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Where the time comes from."""

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch, by the wall clock."""

    def monotonic_ms(self) -> int:
        """Milliseconds that never go back, for intervals and rate limits."""


class SystemClock:
    """The machine's own clock. `behind_ms` puts it back, while a demo tells what happened before it began."""

    def __init__(self) -> None:
        self.behind_ms = 0

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 - self.behind_ms

    def monotonic_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000
