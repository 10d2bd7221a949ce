"""Rate limits and the slowing of guesses; time is the tests' own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teahouse.errors import LimitExceeded
from teahouse.http.addresses import ClientAddresses
from teahouse.http.messages import Requester
from teahouse.http.ratelimit import (
    BUCKETS_MAX,
    GUESS_WAIT_MAX_MS,
    GUESSES_FREE,
    Bucket,
    Guesses,
    Rate,
    RateLimiter,
    spend,
)

ALICE = Requester("@alice:tea.test", 1, "A")
BOB = Requester("@bob:tea.test", 2, "B")


class Hands:
    """A clock whose hands the test moves."""

    def __init__(self) -> None:
        self.ms = 0

    def now_ms(self) -> int:
        return self.ms

    def monotonic_ms(self) -> int:
        return self.ms


@given(
    rate=st.integers(1, 50), burst=st.integers(1, 20), pauses_ms=st.lists(st.integers(0, 500), min_size=1, max_size=200)
)
def test_no_more_passes_than_the_burst_and_what_flowed_in(rate: int, burst: int, pauses_ms: list[int]) -> None:
    bucket, now_ms, passed = Bucket(burst, 0), 0, 0
    for pause_ms in pauses_ms:
        now_ms += pause_ms
        passed += spend(bucket, Rate(rate, burst), now_ms) == 0
        assert passed <= burst + now_ms * rate / 1_000 + 1e-6


@given(rate=st.integers(1, 50), burst=st.integers(1, 5), tries=st.integers(6, 30))
def test_who_waits_as_long_as_told_passes(rate: int, burst: int, tries: int) -> None:
    bucket, now_ms = Bucket(burst, 0), 0
    for _ in range(tries):
        wait_ms = spend(bucket, Rate(rate, burst), now_ms)
        if wait_ms:
            now_ms += wait_ms + 1
            assert spend(bucket, Rate(rate, burst), now_ms) == 0


def test_one_user_at_the_limit_holds_up_nobody_else() -> None:
    limiter = RateLimiter({"default": Rate(1, 2), "send": Rate(1, 1)}, Hands(), enabled=True)
    limiter.spend("send", ALICE, "10.0.0.1")
    with pytest.raises(LimitExceeded) as refusal:
        limiter.spend("send", ALICE, "10.0.0.9")
    assert refusal.value.extra["retry_after_ms"] == 1_000
    limiter.spend("send", BOB, "10.0.0.1")
    limiter.spend("unnamed", ALICE, "10.0.0.1")


def test_without_a_token_the_address_counts() -> None:
    limiter = RateLimiter({"default": Rate(1, 1)}, Hands(), enabled=True)
    limiter.spend("default", None, "10.0.0.1")
    with pytest.raises(LimitExceeded):
        limiter.spend("default", None, "10.0.0.1")
    limiter.spend("default", None, "10.0.0.2")


def test_the_number_of_buckets_is_bounded() -> None:
    limiter = RateLimiter({"default": Rate(1, 5)}, Hands(), enabled=True)
    for number in range(BUCKETS_MAX + 10):
        limiter.spend("default", None, str(number))
    assert len(limiter._buckets) == BUCKETS_MAX


def test_switched_off_nothing_is_limited() -> None:
    limiter = RateLimiter({"default": Rate(1, 1)}, Hands(), enabled=False)
    for _ in range(100):
        limiter.spend("default", ALICE, "10.0.0.1")


def test_guessing_gets_slower_for_the_account_and_for_the_address() -> None:
    clock = Hands()
    guesses = Guesses(clock, enabled=True)
    waits = []
    for _ in range(GUESSES_FREE + 12):
        guesses.check("alice", "10.0.0.1")
        guesses.failed("alice", "10.0.0.1")
        try:
            guesses.check("alice", "10.0.0.7")
        except LimitExceeded as refusal:
            waits.append(refusal.extra["retry_after_ms"])
            clock.ms += waits[-1]
    assert waits[0] == 1_000
    assert waits == sorted(waits)
    assert waits[-1] == GUESS_WAIT_MAX_MS
    guesses.failed("alice", "10.0.0.1")
    with pytest.raises(LimitExceeded):
        guesses.check("bob", "10.0.0.1")
    guesses.check("bob", "10.0.0.2")


def test_the_right_password_clears_the_account_but_not_the_address() -> None:
    guesses = Guesses(Hands(), enabled=True)
    for _ in range(GUESSES_FREE + 1):
        guesses.failed("alice", "10.0.0.1")
    guesses.succeeded("alice", "10.0.0.1")
    guesses.check("alice", "10.0.0.2")
    with pytest.raises(LimitExceeded):
        guesses.check("alice", "10.0.0.1")


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "client"),
    [
        ((), "127.0.0.1", "1.2.3.4", "127.0.0.1"),
        (("127.0.0.1",), "127.0.0.1", "1.2.3.4", "1.2.3.4"),
        (("127.0.0.1",), "9.9.9.9", "1.2.3.4", "9.9.9.9"),
        (("127.0.0.0/8", "10.0.0.0/8"), "127.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.2", "1.2.3.4"),
        (("127.0.0.1",), "127.0.0.1", "", "127.0.0.1"),
        (("127.0.0.1",), "127.0.0.1", "rubbish", "127.0.0.1"),
        (("::1",), "::1", "2001:db8::7", "2001:db8::7"),
    ],
)
def test_only_trusted_proxies_speak_for_others(
    trusted: tuple[str, ...], peer: str, forwarded: str, client: str
) -> None:
    assert ClientAddresses(trusted).of(peer, {"x-forwarded-for": forwarded}) == client
