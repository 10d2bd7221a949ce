"""The sketch is exact for few, close for many, and forgets no one it holds."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teahouse.analytics.sketch import EXACT_MAX, REGISTERS, Sketch, sigma, tau

hashes = st.integers(0, 2**64 - 1)


@given(values=st.lists(hashes, max_size=300), again=st.integers(0, 3))
def test_up_to_the_limit_the_count_is_exact_however_often_each_comes(values: list[int], again: int) -> None:
    sketch = Sketch()
    for _ in range(again + 1):
        sketch.add(values)
        sketch = Sketch.decode(sketch.encode())
    assert sketch.count() == len(set(values))


def filled(many: int, seed: int = 1) -> Sketch:
    source = random.Random(seed)
    sketch = Sketch()
    sketch.add(source.getrandbits(64) for _ in range(many))
    return sketch


def test_it_is_exact_to_the_last_one_that_fits() -> None:
    assert filled(EXACT_MAX).count() == EXACT_MAX


@pytest.mark.parametrize("many", [EXACT_MAX + 1, 2_000, 10_000, 60_000])
def test_beyond_it_the_count_is_close_on_average_and_never_far_off(many: int) -> None:
    errors = [filled(many, seed).count() / many - 1 for seed in range(12)]
    assert abs(sum(errors) / len(errors)) < 0.015
    assert max(map(abs, errors)) < 0.065  # four standard errors


@pytest.mark.parametrize("many", [0, 1, EXACT_MAX, EXACT_MAX + 1, 20_000])
def test_it_takes_four_kilobytes_at_most_and_comes_back_the_same(many: int) -> None:
    sketch = filled(many)
    stored = sketch.encode()
    assert len(stored) <= 1 + REGISTERS
    back = Sketch.decode(stored)
    assert (back.count(), back.encode()) == (sketch.count(), stored)


def test_who_is_in_already_changes_nothing_of_a_full_one() -> None:
    sketch, source = filled(5_000), random.Random(1)
    before = sketch.encode()
    sketch.add(source.getrandbits(64) for _ in range(5_000))
    assert sketch.encode() == before


def test_the_ends_of_the_scale_are_finite_where_they_should_be() -> None:
    assert sigma(0) == 0
    assert tau(0) == tau(1) == 0
    everything = Sketch()
    everything.add(place << 52 for place in range(REGISTERS))  # every register at its highest rank
    assert everything.count() > 10**15
