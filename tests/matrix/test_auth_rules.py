"""Who may do what: the authorization rules as truth tables. Source: room version 11, "Authorization rules"."""

import itertools
from typing import Any

import pytest

from tests.matrix.rooms import CREATOR, SENDER, TARGET, Room

MEMBERSHIPS = [None, "join", "invite", "leave", "ban", "knock"]
JOIN_RULES = ["public", "invite", "knock", "restricted", "knock_restricted", "private", "nonsense"]


def room(rule: str = "invite", sender: str | None = "join", target: str | None = None, **levels: Any) -> Room:
    made = Room(**levels) if levels else Room()
    return made.rule(rule).member(SENDER, sender).member(TARGET, target)


@pytest.mark.parametrize(("rule", "current"), list(itertools.product(JOIN_RULES, MEMBERSHIPS)))
def test_joining(rule: str, current: str | None) -> None:
    free = current in ("join", "invite") or (rule == "public" and current != "ban")
    assert room(rule, current).allows_member(SENDER, SENDER, "join") is free
    assert room(rule, current).allows_member(CREATOR, SENDER, "join") is False
    restricted = rule in ("restricted", "knock_restricted") and current != "ban"
    assert room(rule, current).allows_member(SENDER, SENDER, "join", via=CREATOR) is (free or restricted)


def test_a_restricted_join_needs_a_member_who_may_invite() -> None:
    strict: dict[str, Any] = {"users": {CREATOR: 100, TARGET: 50}, "invite": 60}
    assert room("restricted", None, "join", **strict).allows_member(SENDER, SENDER, "join", via=CREATOR)
    assert not room("restricted", None, "join", **strict).allows_member(SENDER, SENDER, "join", via=TARGET)
    assert not room("restricted", None, "leave").allows_member(SENDER, SENDER, "join", via=TARGET)
    assert room("restricted", None, "join").allows_member(SENDER, SENDER, "join", via=TARGET)


@pytest.mark.parametrize(("sender", "target", "level"), list(itertools.product(MEMBERSHIPS, MEMBERSHIPS, [0, 49, 50])))
def test_inviting(sender: str | None, target: str | None, level: int) -> None:
    levels: dict[str, Any] = {"users": {CREATOR: 100, SENDER: level}, "invite": 50}
    allowed = sender == "join" and target not in ("join", "ban") and level >= 50
    assert room("invite", sender, target, **levels).allows_member(SENDER, TARGET, "invite") is allowed


@pytest.mark.parametrize("current", MEMBERSHIPS)
def test_leaving(current: str | None) -> None:
    assert room(sender=current).allows_member(SENDER, SENDER, "leave") is (current in ("join", "invite", "knock"))


@pytest.mark.parametrize(
    ("sender", "target", "own", "theirs"),
    list(itertools.product(MEMBERSHIPS, MEMBERSHIPS, [49, 50, 60, 70], [0, 50, 60])),
)
def test_kicking_and_unbanning(sender: str | None, target: str | None, own: int, theirs: int) -> None:
    levels: dict[str, Any] = {"users": {CREATOR: 100, SENDER: own, TARGET: theirs}, "kick": 50, "ban": 60}
    needed = 60 if target == "ban" else 50
    allowed = sender == "join" and own >= needed and theirs < own
    assert room("invite", sender, target, **levels).allows_member(SENDER, TARGET, "leave") is allowed


@pytest.mark.parametrize(
    ("sender", "target", "own", "theirs"), list(itertools.product(MEMBERSHIPS, MEMBERSHIPS, [49, 50, 60], [0, 50]))
)
def test_banning(sender: str | None, target: str | None, own: int, theirs: int) -> None:
    levels: dict[str, Any] = {"users": {CREATOR: 100, SENDER: own, TARGET: theirs}, "ban": 50}
    allowed = sender == "join" and own >= 50 and theirs < own
    assert room("invite", sender, target, **levels).allows_member(SENDER, TARGET, "ban") is allowed


@pytest.mark.parametrize(("rule", "current"), list(itertools.product(JOIN_RULES, MEMBERSHIPS)))
def test_knocking(rule: str, current: str | None) -> None:
    allowed = rule in ("knock", "knock_restricted") and current not in ("ban", "invite", "join")
    assert room(rule, current).allows_member(SENDER, SENDER, "knock") is allowed
    assert not room(rule, current).allows_member(CREATOR, SENDER, "knock")


@pytest.mark.parametrize("membership", [None, 5, "", "member"])
def test_a_member_event_without_a_known_membership_is_refused(membership: object) -> None:
    assert not room("public").allows(SENDER, "m.room.member", SENDER, {"membership": membership})
    assert not room("public").allows(SENDER, "m.room.member", None, {"membership": "join"})
    assert not room("public").allows(SENDER, "m.room.member", "nobody", {"membership": "join"})


@pytest.mark.parametrize("current", MEMBERSHIPS)
def test_only_members_send(current: str | None) -> None:
    assert room(sender=current).allows(SENDER, "m.room.message", None, {}) is (current == "join")
    assert room(sender=current).allows(SENDER, "m.room.topic", "", {}) is (current == "join")


@pytest.mark.parametrize(("level", "state_key"), list(itertools.product([0, 10, 20, 50], [None, ""])))
def test_sending_takes_the_level_of_the_event_type(level: int, state_key: str | None) -> None:
    levels: dict[str, Any] = {
        "users": {CREATOR: 100, SENDER: level}, "events": {"com.example.tea": 20}, "events_default": 10,
        "state_default": 50,
    }  # fmt: skip
    made = room(**levels)
    assert made.allows(SENDER, "com.example.tea", state_key, {}) is (level >= 20)
    assert made.allows(SENDER, "com.example.other", state_key, {}) is (level >= (10 if state_key is None else 50))


def test_state_under_a_users_id_is_for_that_user_alone() -> None:
    assert room().allows(SENDER, "com.example.tea", SENDER, {})
    assert not room().allows(SENDER, "com.example.tea", TARGET, {})
    assert not room().allows(CREATOR, "com.example.tea", SENDER, {})


def test_a_room_is_created_once_and_nothing_goes_before_it() -> None:
    made = Room()
    assert not made.allows(CREATOR, "m.room.create", "", {})
    made.state.entries.clear()
    assert made.allows(CREATOR, "m.room.create", "", {})
    assert not made.allows(CREATOR, "m.room.create", "other", {})
    assert not made.allows(CREATOR, "m.room.name", "", {})


def levels(**users: int) -> dict[str, Any]:
    names = {"creator": CREATOR, "sender": SENDER, "target": TARGET}
    return {"users": {names[name]: level for name, level in users.items()}}


@pytest.mark.parametrize(
    ("own", "theirs", "wanted", "allowed"),
    [
        (50, 0, 50, True), (50, 0, 51, False), (50, 50, 0, False), (50, 50, 50, True), (50, 60, 0, False),
        (50, 49, 0, True), (60, 50, 60, True),
    ],
)  # fmt: skip
def test_nobody_gives_more_power_than_they_have_nor_takes_from_their_equals(
    own: int, theirs: int, wanted: int, allowed: bool
) -> None:
    made = room(**levels(creator=100, sender=own, target=theirs), state_default=50)
    after = levels(creator=100, sender=own, target=wanted) | {"state_default": 50}
    assert made.allows(SENDER, "m.room.power_levels", "", after) is allowed


def test_one_may_lower_oneself_and_never_raise() -> None:
    made = room(**levels(creator=100, sender=50), state_default=50)
    assert made.allows(SENDER, "m.room.power_levels", "", levels(creator=100, sender=0) | {"state_default": 50})
    assert not made.allows(SENDER, "m.room.power_levels", "", levels(creator=100, sender=51) | {"state_default": 50})


@pytest.mark.parametrize("key", ["ban", "kick", "redact", "invite", "events_default", "state_default", "users_default"])
def test_every_level_is_changed_within_ones_own(key: str) -> None:
    before = levels(creator=100, sender=50) | {"events": {"m.room.power_levels": 50}}
    made = room(**before)
    assert made.allows(SENDER, "m.room.power_levels", "", before | {key: 50})
    assert not made.allows(SENDER, "m.room.power_levels", "", before | {key: 51})
    raised = room(**(before | {key: 60}))
    assert not raised.allows(SENDER, "m.room.power_levels", "", before | {key: 10})


@pytest.mark.parametrize("bad", ["50", 1.5, True, None, [], {}])
def test_levels_are_whole_numbers(bad: object) -> None:
    made = room(**levels(creator=100))
    assert not made.allows(CREATOR, "m.room.power_levels", "", levels(creator=100) | {"ban": bad})
    assert not made.allows(CREATOR, "m.room.power_levels", "", {"users": {CREATOR: 100, SENDER: bad}})
    assert not made.allows(CREATOR, "m.room.power_levels", "", levels(creator=100) | {"events": {"m.room.name": bad}})
    assert not made.allows(CREATOR, "m.room.power_levels", "", {"users": {"nobody": 50}})


def test_creators_of_version_12_stand_above_all_levels_and_are_not_listed() -> None:
    made = Room("12", users={SENDER: 100}, ban=100)
    made.member(SENDER, "join")
    assert made.allows_member(CREATOR, SENDER, "ban")
    assert not made.allows_member(SENDER, CREATOR, "ban")
    assert not made.allows(SENDER, "m.room.power_levels", "", {"users": {CREATOR: 0, SENDER: 100}})
    assert made.allows(CREATOR, "m.room.power_levels", "", {"users": {SENDER: 0}})


def test_additional_creators_are_checked_and_have_the_same_power() -> None:
    made = Room("12")
    made.state.entries.clear()
    content = {"room_version": "12", "additional_creators": [SENDER]}
    assert made.allows(CREATOR, "m.room.create", "", content)
    assert not made.allows(CREATOR, "m.room.create", "", content | {"additional_creators": ["nobody"]})
    assert not made.allows(CREATOR, "m.room.create", "", content | {"additional_creators": SENDER})
    made.put("m.room.create", "", content)
    made.member(CREATOR, "join").member(SENDER, "join").put("m.room.power_levels", "", {"state_default": 100})
    assert made.allows(SENDER, "m.room.name", "", {})
