"""The sketch is exact for few, close for many, and forgets no one it holds."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teahouse.analytics.readings import blinded, member
from teahouse.analytics.sketch import EXACT_MAX, REGISTERS, Sketch, sigma, tau

hashes = st.integers(0, 2**64 - 1)


@given(values=st.lists(hashes, max_size=300), again=st.integers(0, 3))
def test_up_to_the_limit_the_count_is_exact_however_often_each_comes(values: list[int], again: int) -> None:
    sketch = Sketch()
    for _ in range(again + 1):
        sketch.add(values)
        sketch = Sketch.decode(sketch.encode())
    assert sketch.count() == len(set(values))


def people(many: int, post: int = 1) -> Iterator[int]:
    """Readers of a post as the sketch meets them."""
    return (blinded(post.to_bytes(32, "big"), member(number)) for number in range(many))


def filled(many: int, post: int = 1) -> Sketch:
    sketch = Sketch()
    sketch.add(people(many, post))
    return sketch


def test_it_is_exact_to_the_last_one_that_fits() -> None:
    assert filled(EXACT_MAX).count() == EXACT_MAX


@pytest.mark.parametrize("many", [EXACT_MAX + 1, 2_000, 10_000, 60_000])
def test_beyond_it_the_count_is_close_on_average_and_never_far_off(many: int) -> None:
    errors = [filled(many, post).count() / many - 1 for post in range(12)]
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
    sketch = filled(5_000)
    before = sketch.encode()
    sketch.add(people(5_000))
    assert sketch.encode() == before


def test_the_ends_of_the_scale_count_for_nothing() -> None:
    assert sigma(0) == 0
    assert tau(0) == tau(1) == 0
