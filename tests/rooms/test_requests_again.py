"""Retries and the requests they are told from; what a redaction says; the body each takes."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.world import Person, World

SEND = "/rooms/{roomId}/send/{eventType}/{txnId}"
REDACT = "/rooms/{roomId}/redact/{eventId}/{txnId}"
EVENT = "/rooms/{roomId}/event/{eventId}"


async def put(person: Person, template: str, body: Any, **path: str) -> str:
    return str((await person.good("PUT", template, body, None, **path))["event_id"])


async def test_a_transaction_id_belongs_to_one_request(tea: World) -> None:
    alice = await tea.person("alice")
    room, other = await alice.create(), await alice.create()
    first = await put(alice, SEND, {"body": "tea"}, roomId=room, eventType="m.room.message", txnId="1")
    requests: list[tuple[str, dict[str, str]]] = [
        (SEND, {"roomId": room, "eventType": "m.room.message"}),
        (SEND, {"roomId": room, "eventType": "org.example"}),
        (SEND, {"roomId": other, "eventType": "m.room.message"}),
        (REDACT, {"roomId": room, "eventId": first}),
        (REDACT, {"roomId": room, "eventId": await alice.say(room)}),
    ]
    answers = [await put(alice, template, {}, txnId="1", **path) for template, path in requests]
    assert answers[0] == first
    assert len(set(answers)) == len(answers)
    assert [await put(alice, template, {}, txnId="1", **path) for template, path in requests] == answers


async def test_a_device_that_signs_in_again_is_known_by_its_id(tea: World) -> None:
    alice = await tea.person("alice")
    room = await alice.create()
    path = {"roomId": room, "eventType": "m.room.message", "txnId": "1"}
    first = await put(alice, SEND, {"body": "tea"}, **path)
    assert await put(await alice.device("FIRST"), SEND, {"body": "tea"}, **path) == first
    assert await put(await alice.device("SECOND"), SEND, {"body": "tea"}, **path) != first


@pytest.mark.parametrize("version", ["10", "11", "12"])
async def test_a_redaction_names_its_event_in_both_places_and_keeps_what_it_says(tea: World, version: str) -> None:
    alice = await tea.person("alice")
    room = await alice.create(room_version=version)
    said = [await alice.say(room) for _ in range(2)]
    body = {"reason": "spilt", "org.example": {"cup": 1}}
    sent = await put(alice, REDACT, body, roomId=room, eventId=said[0], txnId="1")
    content = body | {"redacts": said[1]}
    other = await put(alice, SEND, content, roomId=room, eventType="m.room.redaction", txnId="1")
    for redaction, emptied in ((sent, said[0]), (other, said[1])):
        event = await alice.good("GET", EVENT, roomId=room, eventId=redaction)
        assert (event["redacts"], event["content"]) == (emptied, body | {"redacts": emptied})
        because = (await alice.good("GET", EVENT, roomId=room, eventId=emptied))["unsigned"]["redacted_because"]
        assert (because["event_id"], because["content"]["reason"]) == (redaction, "spilt")


async def test_what_is_no_redaction_is_refused(tea: World) -> None:
    alice = await tea.person("alice")
    room = await alice.create()
    said = await alice.say(room)
    path = {"roomId": room, "txnId": "1"}
    for body in ({"reason": 5}, []):
        assert (await alice.ask("PUT", REDACT, body, eventId=said, **path)).errcode == "M_BAD_JSON"
    for body in ({}, {"redacts": 5}, {"redacts": said, "reason": []}):
        answer = await alice.ask("PUT", SEND, body, eventType="m.room.redaction", **path)
        assert (answer.status, answer.errcode) == (400, "M_BAD_JSON"), body
    assert (await alice.good("GET", EVENT, roomId=room, eventId=said))["content"]["body"] == "tea"


@pytest.mark.parametrize("body", [b"{", b'{"reason": "\xff"}', b'{"unknown": "\xff"}', b'{"\xff": 1}'])
async def test_what_is_no_json_is_refused_whatever_of_it_is_read(tea: World, body: bytes) -> None:
    alice = await tea.person("alice")
    room = await alice.create()
    headers = {"authorization": f"Bearer {alice.token}"}
    for verb in ("join", "leave", "read_markers"):
        path = f"/_matrix/client/v3/rooms/{quote(room)}/{verb}"
        answer = await tea.exchange("POST", path, "", headers, body)
        assert (answer.status, json.loads(answer.body)["errcode"]) == (400, "M_NOT_JSON"), verb
    assert (await alice.good("GET", "/joined_rooms"))["joined_rooms"] == [room]


async def test_what_is_sent_without_a_transaction_id_is_sent_each_time(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    room = await alice.create(preset="public_chat")
    path = {"roomId": room, "eventType": "m.room.message"}
    said = [(await alice.good("POST", "/rooms/{roomId}/send/{eventType}", {"body": "tea"}, **path)) for _ in range(2)]
    assert said[0] != said[1]
    assert (await bob.ask("POST", "/rooms/{roomId}/send/{eventType}", {"body": "tea"}, **path)).status == 403
    emptied = {"roomId": room, "eventId": said[0]["event_id"]}
    redaction = await alice.good("POST", "/rooms/{roomId}/redact/{eventId}", {"reason": "spilt"}, **emptied)
    event = await alice.good("GET", EVENT, **emptied)
    assert event["unsigned"]["redacted_because"]["event_id"] == redaction["event_id"]
