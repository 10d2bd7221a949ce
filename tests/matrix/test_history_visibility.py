"""The intervals a user may read, against the specification's rule applied event by event."""

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from teahouse.matrix.history_visibility import POS_MAX, intervals, readable

SETTINGS = ["world_readable", "shared", "invited", "joined", "nonsense"]
MEMBERSHIPS = ["join", "invite", "leave", "ban", "knock"]
LAST = 25

History = list[tuple[int, str, str]]  # (position, what changed: 'member', 'visibility' or 'message', the new value)

histories = st.lists(
    st.one_of(
        st.tuples(st.just("member"), st.sampled_from(MEMBERSHIPS)),
        st.tuples(st.just("visibility"), st.sampled_from(SETTINGS)),
        st.tuples(st.just("message"), st.just("")),
    ),
    max_size=LAST,
).map(lambda events: [(pos, kind, value) for pos, (kind, value) in enumerate(events, 1)])


def may_read(history: History, pos: int) -> bool:
    """The rule as the specification puts it, for the event at one position.

    Source: Client-Server API, "Room History Visibility", "Server behaviour".
    """
    before = {kind: value for at, kind, value in history if at < pos}
    after = {kind: value for at, kind, value in history if at <= pos}
    # An event that changes the visibility or the user's membership may be seen by either of the two.
    return any(
        permits(history, pos, visibility.get("visibility", "shared"), member.get("member", "leave"))
        for visibility in (before, after)
        for member in (before, after)
    )


def permits(history: History, pos: int, visibility: str, membership: str) -> bool:
    if visibility == "world_readable":
        return True
    if membership == "join":
        return True
    if visibility in ("shared", "nonsense") and joined_at_or_after(history, pos):
        return True
    return membership == "invite" and visibility == "invited"


def joined_at_or_after(history: History, pos: int) -> bool:
    joined = [value == "join" for at, kind, value in history if kind == "member" and at <= pos]
    return (bool(joined) and joined[-1]) or any(
        kind == "member" and value == "join" for at, kind, value in history if at > pos
    )


def found(history: History) -> list[tuple[int, int]]:
    members = [(pos, value) for pos, kind, value in history if kind == "member"]
    visibility = [(pos, value) for pos, kind, value in history if kind == "visibility"]
    return list(intervals(members, visibility))


@settings(max_examples=400, deadline=None)
@given(histories)
@example([(1, "visibility", "shared"), (2, "member", "join"), (3, "message", ""), (4, "member", "leave")])
@example([(1, "visibility", "joined"), (2, "member", "invite"), (3, "message", ""), (4, "member", "join")])
def test_intervals_hold_exactly_what_the_rule_allows(history: History) -> None:
    allowed = found(history)
    wrong = [pos for pos, _, _ in history if readable(allowed, pos) != may_read(history, pos)]
    assert wrong == []


@settings(max_examples=200, deadline=None)
@given(histories)
def test_intervals_are_in_order_and_apart(history: History) -> None:
    allowed = found(history)
    assert all(first <= last for first, last in allowed)
    assert all(one[1] + 1 < other[0] for one, other in pairwise(allowed))
    assert not any(readable(allowed, first - 1) for first, _ in allowed)


@settings(max_examples=200, deadline=None)
@given(histories, st.sampled_from(SETTINGS))
def test_what_comes_later_takes_nothing_back_from_one_who_stays(history: History, visibility: str) -> None:
    pos = len(history) + 1
    stayed = [*history, (pos, "member", "join")]
    before = {pos for pos, _, _ in stayed if readable(found(stayed), pos)}
    changed = [*stayed, (pos + 1, "visibility", visibility), (pos + 2, "message", "")]
    after = found(changed)
    assert all(readable(after, pos) for pos in before)
    assert readable(after, pos + 2)


@pytest.mark.parametrize("membership", ["leave", "ban"])
def test_one_who_left_a_shared_room_reads_up_to_the_leaving_and_no_further(membership: str) -> None:
    history = [(1, "visibility", "shared"), (3, "member", "join"), (7, "member", membership)]
    assert found(history) == [(0, 7)]


def test_a_stranger_reads_an_open_room_while_it_is_open() -> None:
    history = [(1, "visibility", "shared"), (5, "visibility", "world_readable"), (9, "visibility", "joined")]
    assert found(history) == [(5, 9)]
    assert found([(1, "visibility", "world_readable")]) == [(1, POS_MAX)]
