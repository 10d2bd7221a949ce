"""Push rules as pure functions: conditions, order, and changing them."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teahouse.errors import InvalidParam, NoRuleToPlaceBy, NotFound
from teahouse.eventlog.types import EventClass
from teahouse.matrix import push_rules
from teahouse.matrix.push_rules import PushContext, Ruleset, evaluate, holds
from teahouse.push.classes import DefaultRules

ME = "@me:tea.test"
OTHER = "@other:tea.test"


def context(**changes: Any) -> PushContext:
    values: dict[str, Any] = {
        "user_id": ME, "joined_count": 5, "sender_level": 0, "notification_levels": {"room": 50}
    }  # fmt: skip
    return PushContext(**(values | changes))


def event(event_type: str = "m.room.message", state_key: str | None = None, **content: Any) -> dict[str, Any]:
    return {"type": event_type, "sender": OTHER, "room_id": "!r", "state_key": state_key, "content": content}


def mentions(*users: str, **more: Any) -> dict[str, Any]:
    return {"m.mentions": {"user_ids": list(users), **more}}


EDIT: dict[str, Any] = {"m.relates_to": {"rel_type": "m.replace"}}


@pytest.mark.parametrize(
    ("shown", "more", "expected"),
    [
        (event(body="hi", msgtype="m.text"), {}, (True, False)),
        (event(body="hi", msgtype="m.notice"), {}, (False, False)),
        (event("m.room.encrypted"), {}, (True, False)),
        (event("m.call.invite"), {}, (True, False)),
        (event("m.reaction"), {}, (False, False)),
        (event("com.example.tea"), {}, (False, False)),
        (event("m.room.topic", ""), {}, (False, False)),
        (event("m.room.tombstone", ""), {}, (True, True)),
        (event("m.room.tombstone", "x"), {}, (False, False)),
        (event("m.room.member", ME, membership="invite"), {}, (True, False)),
        (event("m.room.member", OTHER, membership="invite"), {}, (False, False)),
        (event("m.room.member", ME, membership="join"), {}, (False, False)),
        (event(body="me", **mentions(ME)), {}, (True, True)),
        (event("com.example.tea", **mentions(ME)), {}, (True, True)),
        (event(body="me", **mentions(OTHER)), {}, (True, False)),
        (event(msgtype="m.notice", **mentions(ME)), {}, (False, False)),
        (event(body="all", **mentions(room=True)), {"sender_level": 50}, (True, True)),
        (event(body="all", **mentions(room=True)), {"sender_level": 49}, (True, False)),
        (event(body="all", **mentions(room=1)), {"sender_level": 50}, (True, False)),
        (event(body="* hi", **EDIT), {}, (False, False)),
    ],
)
def test_the_predefined_rules(shown: dict[str, Any], more: dict[str, Any], expected: tuple[bool, bool]) -> None:
    outcome = evaluate(push_rules.defaults(ME), shown, context(**more))
    assert (outcome.notify, outcome.highlight) == expected


TYPES = ["m.room.message", "m.room.encrypted", "m.room.member", "m.room.tombstone", "m.reaction", "m.call.invite", "x"]
CONTENTS = st.fixed_dictionaries(
    {},
    optional={
        "msgtype": st.sampled_from(["m.text", "m.notice"]),
        "body": st.just("tea"),
        "membership": st.just("join"),
        "m.mentions": st.fixed_dictionaries(
            {}, optional={"user_ids": st.lists(st.sampled_from([ME, OTHER])), "room": st.sampled_from([True, False, 1])}
        ),
        "m.relates_to": st.fixed_dictionaries(
            {"event_id": st.just("$e")}, optional={"rel_type": st.sampled_from(["m.replace", "m.thread"])}
        ),
    },
)


@given(st.sampled_from(TYPES), CONTENTS, st.none() | st.just(""), st.sampled_from([0, 50]))
def test_the_stored_class_says_what_the_predefined_rules_say(
    event_type: str, content: dict[str, Any], state_key: str | None, level: int
) -> None:
    shown = {"type": event_type, "sender": OTHER, "room_id": "!r", "state_key": state_key, "content": content}
    outcome = evaluate(push_rules.defaults(ME), shown, context(sender_level=level))
    rules = DefaultRules()
    class_ = rules.classify(event_type, content, state_key, level >= 50)
    mentioned = ME in rules.mentioned(event_type, content)
    assert outcome.notify == bool(mentioned or class_ & EventClass.NOTIFIES)
    assert outcome.highlight == bool(mentioned or class_ & EventClass.HIGHLIGHTS_ROOM)


@pytest.mark.parametrize(
    ("pattern", "body", "found"),
    [
        ("tea", "tea", True), ("tea", "Green TEA!", True), ("tea", "teapot", False), ("tea*", "teapot", True),
        ("te?", "tea", True), ("te?", "te", False), ("*", "x", True), ("a.c", "abc", False), ("a.c", "a.c", True),
        ("green*pot", "my green tea pot", True), ("[a]", "a", False), ("茶", "喝 茶", True),
        ("茶", "我喝茶了", True), ("tea", "theteaé", False), ("tea", "éteaé", True), ("tea", "tea_", False),
    ],
)  # fmt: skip
def test_patterns_match_whole_words_of_the_body(pattern: str, body: str, found: bool) -> None:
    condition = {"kind": "event_match", "key": "content.body", "pattern": pattern}
    assert holds(condition, event(body=body), context()) is found


@pytest.mark.parametrize(
    ("pattern", "name", "found"),
    [("tea", "tea", True), ("tea", "green tea", False), ("*tea", "green tea", True), ("t*a", "TeA", True)],
)
def test_patterns_match_other_fields_as_a_whole(pattern: str, name: str, found: bool) -> None:
    condition = {"kind": "event_match", "key": "content.name", "pattern": pattern}
    assert holds(condition, event(name=name), context()) is found


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ({"kind": "event_property_is", "key": "content.n", "value": 1}, True),
        ({"kind": "event_property_is", "key": "content.n", "value": True}, False),
        ({"kind": "event_property_is", "key": "content.t", "value": True}, True),
        ({"kind": "event_property_is", "key": "content.nil", "value": None}, True),
        ({"kind": "event_property_is", "key": "content.none", "value": None}, False),
        ({"kind": "event_property_is", "key": "content.none"}, False),
        ({"kind": "event_property_is", "key": "content.list", "value": ["a", True]}, False),
        ({"kind": "event_property_is", "key": 5, "value": 1}, False),
        ({"kind": "event_property_contains", "key": "content.list", "value": "a"}, True),
        ({"kind": "event_property_contains", "key": "content.list", "value": 1}, False),
        ({"kind": "event_property_contains", "key": "content.n", "value": 1}, False),
        ({"kind": "event_match", "key": "content.n", "pattern": "1"}, False),
        ({"kind": "event_match", "key": r"content.a\.b", "pattern": "dotted"}, True),
        ({"kind": "event_match", "key": "content.a.b", "pattern": "dotted"}, False),
        ({"kind": "event_match", "key": r"content.a\\.b", "pattern": "slashed"}, True),
        ({"kind": "contains_display_name"}, True),
        ({"kind": "room_member_count", "is": "5"}, True),
        ({"kind": "room_member_count", "is": "==5"}, True),
        ({"kind": "room_member_count", "is": ">5"}, False),
        ({"kind": "room_member_count", "is": ">=5"}, True),
        ({"kind": "room_member_count", "is": "<6"}, True),
        ({"kind": "room_member_count", "is": "<=4"}, False),
        ({"kind": "room_member_count", "is": "five"}, False),
        ({"kind": "room_member_count"}, False),
        ({"kind": "sender_notification_permission", "key": "room"}, False),
        ({"kind": "com.example.unknown"}, False),
        ({}, False),
    ],
)
def test_each_kind_of_condition(condition: dict[str, Any], found: bool) -> None:
    shown = event(
        n=1, t=True, list=["a", True], nil=None, body="dear Me (2*2)!", **{"a.b": "dotted", "a\\": {"b": "slashed"}}
    )
    assert holds(condition, shown, context(display_name="me (2*2)")) is found


@pytest.mark.parametrize(("name", "found"), [("tea", True), ("te", False), ("*", False), ("", False), (None, False)])
def test_a_name_is_found_in_the_body_as_it_is_spelt(name: str | None, found: bool) -> None:
    condition = {"kind": "contains_display_name"}
    assert holds(condition, event(body="some TEA?"), context(display_name=name)) is found


@given(st.text("ab*?", max_size=20), st.text("ab", max_size=40))
def test_a_pattern_is_matched_in_little_time(pattern: str, text: str) -> None:
    begun = time.perf_counter()
    holds({"kind": "event_match", "key": "content.body", "pattern": pattern}, event(body=text * 50), context())
    assert time.perf_counter() - begun < 1


def rules() -> Ruleset:
    return push_rules.defaults(ME)


def names(ruleset: Ruleset, kind: str) -> list[str]:
    return [each["rule_id"] for each in ruleset[kind] if not each["default"]]


def test_rules_are_put_before_and_after_each_other_and_replaced_in_place() -> None:
    own = rules()
    for rule_id in "abc":
        push_rules.put(own, "content", rule_id, {"pattern": rule_id, "actions": []}, None, None)
    assert names(own, "content") == ["c", "b", "a"]
    push_rules.put(own, "content", "d", {"pattern": "d", "actions": []}, "b", None)
    push_rules.find(own, "content", "c")["enabled"] = False
    push_rules.put(own, "content", "c", {"pattern": "c", "actions": ["notify"]}, None, "a")
    assert names(own, "content") == ["d", "b", "a", "c"]
    assert push_rules.find(own, "content", "c")["enabled"] is False
    push_rules.find(own, "content", "b")["enabled"] = False
    push_rules.put(own, "content", "b", {"pattern": "bb", "actions": []}, None, None)
    assert names(own, "content") == ["d", "b", "a", "c"]
    assert push_rules.find(own, "content", "b")["enabled"] is False
    push_rules.delete(own, "content", "b")
    assert names(own, "content") == ["d", "a", "c"]


def test_a_rule_of_ones_own_goes_before_the_predefined_ones_and_after_the_master_rule() -> None:
    own = rules()
    push_rules.put(own, "override", "mute", {"conditions": [], "actions": []}, None, None)
    assert [each["rule_id"] for each in own["override"][:2]] == [".m.rule.master", "mute"]
    assert evaluate(own, event(body="x", **mentions(ME)), context()).notify is False
    stored = {"override": own["override"]}
    assert push_rules.with_defaults(stored, ME)["override"][:2] == own["override"][:2]


@pytest.mark.parametrize(
    ("kind", "rule_id", "body"),
    [
        ("tea", "a", {"actions": []}),
        ("content", ".a", {"pattern": "a", "actions": []}),
        ("content", "a/b", {"pattern": "a", "actions": []}),
        ("content", "a", {"actions": []}),
        ("content", "a", {"pattern": 5, "actions": []}),
        ("content", "a", {"pattern": "a", "actions": "notify"}),
        ("content", "a", {"pattern": "a", "actions": [5]}),
        ("content", "a", {"pattern": "a" * (push_rules.PATTERN_MAX_CHARACTERS + 1), "actions": []}),
        ("override", "a", {"conditions": [{}], "actions": []}),
        ("override", "a", {"conditions": [{"kind": "x"}] * (push_rules.CONDITIONS_MAX + 1), "actions": []}),
        ("override", "x" * (push_rules.RULE_ID_MAX_BYTES + 1), {"actions": []}),
    ],
)
def test_a_bad_rule_is_refused(kind: str, rule_id: str, body: dict[str, Any]) -> None:
    with pytest.raises(InvalidParam):
        push_rules.put(rules(), kind, rule_id, body, None, None)


def test_predefined_rules_stay_and_unknown_ones_are_not_found() -> None:
    with pytest.raises(InvalidParam):
        push_rules.delete(rules(), "override", ".m.rule.master")
    with pytest.raises(NotFound):
        push_rules.delete(rules(), "override", "none")
    with pytest.raises(NoRuleToPlaceBy):
        push_rules.put(rules(), "room", "!r", {"actions": []}, "none", None)


def test_the_number_of_rules_is_bounded() -> None:
    own = rules()
    for number in range(push_rules.RULES_MAX - sum(map(len, own.values()))):
        push_rules.put(own, "room", f"!{number}", {"actions": []}, None, None)
    with pytest.raises(InvalidParam):
        push_rules.put(own, "room", "!more", {"actions": []}, None, None)


def test_what_a_user_changed_about_predefined_rules_is_kept_and_new_ones_come_in() -> None:
    own = rules()
    push_rules.find(own, "override", ".m.rule.master")["enabled"] = True
    push_rules.find(own, "underride", ".m.rule.message")["actions"] = []
    stored = {"override": own["override"][:3], "underride": own["underride"]}
    merged = push_rules.with_defaults(stored, ME)
    assert merged == own
    assert evaluate(merged, event(body="tea"), context()).notify is False
