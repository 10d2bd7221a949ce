"""Filters: what of a room's events a client wants."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from teahouse.errors import BadJson
from teahouse.matrix import events, filters

ROOM = "!room"


@dataclass
class Event:
    type: str = "m.room.message"
    sender: str = "@alice:tea.test"
    content: dict[str, Any] = field(default_factory=dict)
    state_key: str | None = None


def passes(wanted: dict[str, Any], event: Event | None = None, room: str = ROOM) -> bool:
    matches = filters.matcher(filters.room_event_filter(json.dumps(wanted).encode()), room)
    return matches is None or matches(event or Event())


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, True),
        ({"types": ["m.room.message"]}, True),
        ({"types": ["m.room.*"]}, True),
        ({"types": ["*message"]}, True),
        ({"types": ["m.room"]}, False),
        ({"types": ["m?room?message"]}, False),
        ({"types": []}, False),
        ({"types": ["*"], "not_types": ["m.room.message"]}, False),
        ({"not_types": ["m.*"]}, False),
        ({"not_types": []}, True),
        ({"senders": ["@alice:tea.test"]}, True),
        ({"senders": ["@bob:tea.test"]}, False),
        ({"senders": []}, False),
        ({"senders": ["@alice:tea.test"], "not_senders": ["@alice:tea.test"]}, False),
        ({"rooms": [ROOM]}, True),
        ({"rooms": ["!other"]}, False),
        ({"rooms": []}, False),
        ({"rooms": [ROOM], "not_rooms": [ROOM]}, False),
        ({"contains_url": False}, True),
        ({"contains_url": True}, False),
    ],
)
def test_each_part_of_a_filter(wanted: dict[str, Any], expected: bool) -> None:
    assert passes(wanted) is expected


def test_urls_are_looked_for_in_the_content() -> None:
    assert passes({"contains_url": True}, Event(content={"url": "mxc://x/y"}))
    assert not passes({"contains_url": True}, Event(content={"url": 5}))
    assert not passes({"contains_url": False}, Event(content={"url": "mxc://x/y"}))


@pytest.mark.parametrize(
    "bad",
    [
        "[]", "{", '{"room": 5}', '{"room": {"timeline": {"limit": -1}}}', '{"event_format": "tea"}',
        '{"room": {"timeline": {"types": "m.room.message"}}}', '{"presence": {"senders": [1]}}', "\udcff",
        '{"room": {"timeline": {"types": [' + ",".join(['"a"'] * (filters.NAMES_MAX + 1)) + "]}}}",
        '{"room": {"timeline": {"senders": ["bob"]}}}', '{"presence": {"not_senders": ["bob"]}}',
        '{"room": {"rooms": ["tea"]}}', '{"room": {"not_rooms": ["tea"]}}',
        '{"room": {"ephemeral": {"rooms": ["tea"]}}}',
        '{"event_fields": [' + ",".join(['"a"'] * (filters.FIELDS_MAX + 1)) + "]}",
    ],
)  # fmt: skip
def test_a_bad_filter_is_refused(bad: str) -> None:
    with pytest.raises(BadJson):
        filters.sync_filter(bad.encode(errors="surrogateescape"))


def test_what_a_filter_does_not_know_is_let_be() -> None:
    wanted = filters.sync_filter(b'{"room": {"timeline": {"limit": 3, "tea": true}}, "unknown": []}')
    assert wanted.room.timeline.limit == 3


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("type", {"type": "t"}),
        ("content.body", {"content": {"body": "b"}}),
        ("content", {"content": {"body": "b", "m.x": {"y\\": 1}}}),
        (r"content.m\.x", {"content": {"m.x": {"y\\": 1}}}),
        (r"content.m\.x.y\\", {"content": {"m.x": {"y\\": 1}}}),
        ("content.m.x", {}),
        ("none", {}),
        ("type.deeper", {}),
    ],
)
def test_event_fields_cut_an_event_down(field: str, expected: dict[str, Any]) -> None:
    event = {"type": "t", "content": {"body": "b", "m.x": {"y\\": 1}}}
    assert events.only_fields(event, [field]) == expected


def test_several_event_fields_are_put_together() -> None:
    event = {"type": "t", "content": {"body": "b", "other": 1}, "sender": "s"}
    cut = events.only_fields(event, ["sender", "content.body", "content.other"])
    assert cut == {"sender": "s", "content": {"body": "b", "other": 1}}
