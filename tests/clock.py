"""The time as tests move it."""

import pytest

START_MS = 1_750_000_000_000


class ManualClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.ms = START_MS

    def now_ms(self) -> int:
        return self.ms

    def monotonic_ms(self) -> int:
        return self.ms

    def pass_ms(self, ms: int) -> None:
        """Let some time pass."""
        self.ms += ms


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()
