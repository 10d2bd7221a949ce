"""Sealed ids: they say nothing, come back whole, and cannot be made up."""

import string

from hypothesis import example, given
from hypothesis import strategies as st

from teahouse.eventlog.identifiers import ID_LENGTH, Identifiers, bucket_of, number_at

KEY = b"0123456789abcdef"
POS_MAX = (1 << 50) - 1
positions = st.integers(1, POS_MAX)
buckets = st.integers(0, 1023)


def identifiers(key: bytes = KEY, epochs: tuple[tuple[int, int], ...] = ((1, 1),)) -> Identifiers:
    return Identifiers(key, "tea.test", epochs)


@given(positions, buckets)
def test_an_id_comes_back_as_the_place_it_was_made_for(pos: int, bucket: int) -> None:
    seal = identifiers()
    room_no = number_at(pos, bucket)
    assert bucket_of(room_no) == bucket
    assert seal.position(seal.event_id(pos, room_no)) == pos
    for version in ("10", "11", "12"):
        assert seal.room_no(seal.room_id(room_no, version)) == room_no


@given(positions, positions, buckets)
def test_ids_of_different_places_differ(one: int, other: int, bucket: int) -> None:
    seal = identifiers()
    ids = {seal.event_id(pos, number_at(1, bucket)) for pos in (one, other)}
    assert len(ids) == len({one, other})
    assert seal.event_id(one, number_at(1, bucket)) != seal.event_id(one, number_at(1, bucket ^ 1))


def test_a_version_12_room_has_the_id_of_its_create_event() -> None:
    seal = identifiers()
    room_no = number_at(77, 5)
    assert seal.room_id(room_no, "12")[1:] == seal.event_id(77, room_no)[1:]
    assert seal.room_id(room_no, "11").endswith(":tea.test")


@given(st.text(st.sampled_from(string.ascii_letters + string.digits + "-_"), min_size=ID_LENGTH, max_size=ID_LENGTH))
def test_a_made_up_id_is_nobodys(guess: str) -> None:
    seal = identifiers()
    assert seal.position(f"${guess}") is None
    assert seal.room_no(f"!{guess}") is None
    assert seal.room_no(f"!{guess}:tea.test") is None


@given(st.text(max_size=40))
@example("$")
@example("$" + "=" * 22)
@example("!" + "é" * 22)
def test_any_text_is_read_without_failing(text: str) -> None:
    seal = identifiers()
    assert seal.position(text) is None
    assert seal.room_no(text) is None


@given(positions, buckets, st.integers(0, ID_LENGTH - 1), st.sampled_from(string.ascii_letters + string.digits))
def test_an_id_with_one_character_changed_is_nobodys(pos: int, bucket: int, index: int, character: str) -> None:
    seal = identifiers()
    event_id = seal.event_id(pos, number_at(1, bucket))
    forged = event_id[: index + 1] + character + event_id[index + 2 :]
    assert forged == event_id or seal.position(forged) is None


@given(positions, buckets)
def test_an_id_under_another_key_is_nobodys(pos: int, bucket: int) -> None:
    event_id = identifiers(b"another key here").event_id(pos, number_at(1, bucket))
    assert identifiers().position(event_id) is None


def test_ids_that_were_lost_with_the_disk_are_unknown_after_a_restore_and_older_ones_are_not() -> None:
    before = identifiers()
    room_no = number_at(5, 1)
    kept, lost = before.event_id(900, room_no), before.event_id(1_500, room_no)
    after = identifiers(epochs=((1, 1), (2, 1_000)))
    assert after.position(kept) == 900
    assert after.position(lost) is None
    assert after.position(after.event_id(1_500, room_no)) == 1_500
    assert after.event_id(1_500, room_no) != lost
