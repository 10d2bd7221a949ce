"""What is too much, too deep, not JSON, not of the right type or not one's own is refused in the specified words."""

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.contract.specification import Operation
from tests.contract.stage import BAD_BODY, REQUEST_SECONDS
from tests.fuzz.generation import WORDS_OF_NAME
from tests.fuzz.world import FOREIGN_TOKEN, World

EVENT_SIZE_MAX_BYTES = 65_536  # Client-Server API, "Size limits"
UNREADABLE = {(400, "M_NOT_JSON"), (400, "M_BAD_JSON")}
TOO_MUCH = {(413, "M_TOO_LARGE")}
QUERY_BYTES = 200_000
DEPTH = 100_000
LARGE_BODY_BYTES = 64 * 1024 * 1024  # above what any JSON body of the API may be


def _send_message(world: World, content: bytes) -> tuple[int, str]:
    """Send these bytes as a message to the first live room; return the status and error code ("" if accepted)."""
    place = {"roomId": world.ids["room"][0], "eventType": "m.room.message", "txnId": world.cast.stage.name("txn")}
    path = world.cast.stage.path(world.cast.stage.specification.operations["sendMessage"], place)
    response = world.raw("PUT", path, content, world.alice.token)
    return response.status_code, response.json().get("errcode", "")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b'{"body": "' + b"x" * EVENT_SIZE_MAX_BYTES + b'"}', id="an event over its limit"),
        pytest.param(
            b'{"body": "' + "茶".encode() * (EVENT_SIZE_MAX_BYTES // 3) + b'"}', id="by bytes, not characters"
        ),
    ],
)
def test_an_event_too_large_is_refused(world: World, content: bytes) -> None:
    assert _send_message(world, content) in TOO_MUCH


@pytest.mark.parametrize("operation_id", ["sendMessage", "createRoom", "uploadKeys", "login", "register"])
def test_a_body_too_large_is_refused(world: World, operation_id: str) -> None:
    operation = world.cast.stage.specification.operations[operation_id]
    path = world.cast.stage.path(operation, _live_path(world, operation))
    response = world.raw(operation.method, path, b" " * LARGE_BODY_BYTES + b"{}", world.alice.token)
    assert (response.status_code, response.json()["errcode"]) in TOO_MUCH


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"[" * DEPTH + b"]" * DEPTH, id="arrays"),
        pytest.param(b'{"a":' * DEPTH + b"1" + b"}" * DEPTH, id="objects"),
        pytest.param(b'{"a":' + b"[" * 5_000 + b"]" * 5_000 + b"}", id="within the size of an event"),
        pytest.param(b"[" * DEPTH, id="never closed"),
    ],
)
def test_a_depth_bomb_is_refused(world: World, content: bytes) -> None:
    assert _send_message(world, content) in UNREADABLE | TOO_MUCH


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b'{"body": "\xff\xfe"}', id="not UTF-8"),
        pytest.param(b'{"body": "\xed\xa0\x80"}', id="a surrogate as UTF-8"),
        pytest.param(b'{"body": "\xc0\xaf"}', id="an overlong form"),
        pytest.param(b'\xff\xfe{\0"\0a\0"\0:\x001\0}\0', id="UTF-16"),
        pytest.param(b'{"body": "a', id="broken off"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"[]", id="an array"),
        pytest.param(b'"text"', id="a text"),
        pytest.param(b"null", id="null"),
        pytest.param(b'{"a": 1} {}', id="two values"),
        pytest.param(b'{"a": NaN}', id="NaN"),
        pytest.param(b'{"a": Infinity}', id="infinity"),
        pytest.param(b'{"a": -Infinity}', id="minus infinity"),
        pytest.param(b"{'a': 1}", id="single quotes"),
        pytest.param(b'{"a": 01}', id="a leading zero"),
        pytest.param(b'{"body": "\\ud800"}', id="a lone surrogate"),
        pytest.param(b'{"\\udc00": 1}', id="a lone surrogate as a name"),
        pytest.param(b'{"a": 9007199254740992}', id="an integer of 2^53"),
        pytest.param(b'{"a": -9007199254740992}', id="an integer of -2^53"),
        pytest.param(b'{"a": 1' + b"0" * 5_000 + b"}", id="an integer of 5,000 digits"),
        pytest.param(b'{"a": 1.5}', id="a number that is not an integer"),
        pytest.param(b'{"a": 1e400}', id="a number out of range"),
    ],
)
def test_content_that_no_event_can_have_is_refused(world: World, content: bytes) -> None:
    assert _send_message(world, content) in UNREADABLE


@pytest.mark.parametrize("number", [2**53 - 1, -(2**53) + 1, 0])
def test_the_largest_integers_come_back_as_they_were(world: World, number: int) -> None:
    room_id = world.ids["room"][0]
    event_id = world.alice.send(room_id, {"msgtype": "m.text", "body": "count", "org.example.number": number})
    event = world.alice.good("getOneRoomEvent", roomId=room_id, eventId=event_id)
    assert event["content"]["org.example.number"] == number


def test_a_name_given_twice_has_one_meaning_for_all(world: World) -> None:
    status, errcode = _send_message(world, b'{"msgtype": "m.text", "body": "first", "body": "second"}')
    if status != 200:
        assert (status, errcode) in UNREADABLE
        return
    newest = world.cast.bob.good("getRoomEvents", roomId=world.ids["room"][0], query={"dir": "b", "limit": 1})
    assert newest["chunk"][0]["content"] == {"msgtype": "m.text", "body": "second"}


@pytest.mark.parametrize("token", [FOREIGN_TOKEN, "x", "%00", "a" * 10_000, "../../etc/passwd"])
def test_a_foreign_token_is_unknown(world: World, token: str) -> None:
    response = world.raw("GET", "/_matrix/client/v3/account/whoami", token=token)
    assert (response.status_code, response.json()["errcode"]) == (401, "M_UNKNOWN_TOKEN")


@pytest.mark.parametrize("operation_id", ["getAccountData", "getFilter", "getRoomTags", "defineFilter", "setTyping"])
def test_what_belongs_to_another_is_forbidden(world: World, operation_id: str) -> None:
    operation = world.cast.stage.specification.operations[operation_id]
    path = {**_live_path(world, operation), "userId": world.cast.bob.user_id}
    body = {"typing": True} if operation_id == "setTyping" else None
    world.alice.bad(operation_id, 403, "M_FORBIDDEN", body=body, **path)


@pytest.mark.parametrize(
    "segment",
    [
        "..%2F..%2Fteahouse.toml",
        "..%2f..%2f..%2fetc%2fpasswd",
        "..",
        "%2e%2e",
        "%2e%2e%2f",
        "..%5C..%5C",
        "%00",
        ".%2F",
    ],
)
def test_no_path_leads_out_of_the_media_folder(world: World, segment: str) -> None:
    server = world.cast.stage.served.server_name
    for target in (
        f"/_matrix/client/v1/media/download/{server}/{segment}",
        f"/_matrix/client/v1/media/download/{segment}/{segment}",
        f"/_matrix/client/v1/media/download/{server}/{world.ids['media'][0]}{segment}/x.txt",
        f"/_matrix/client/v1/media/thumbnail/{server}/{segment}?width=8&height=8",
    ):
        status, errcode = _verbatim(world, target)
        assert (status, errcode) in {(404, "M_NOT_FOUND"), (404, "M_UNRECOGNIZED"), (400, "M_INVALID_PARAM")}


@pytest.mark.parametrize("segment", ["..%2F..%2F", "%2F", "%00", "%ff%fe", "%ed%a0%80", "%", "%zz", "%E8%8C%B6"])
def test_no_identifier_in_a_path_breaks_the_server(world: World, segment: str) -> None:
    for target in (
        f"/_matrix/client/v3/rooms/{segment}/state",
        f"/_matrix/client/v3/profile/{segment}",
        f"/_matrix/client/v3/directory/room/{segment}",
        f"/_matrix/client/v3/user/{segment}/filter/{segment}",
        f"/_matrix/client/v3/devices/{segment}",
    ):
        status, errcode = _verbatim(world, target)
        assert 400 <= status < 500
        # A target that is not even HTTP may be turned away before there is anything to answer in JSON.
        assert errcode.startswith("M_") or status == 400


@pytest.mark.parametrize(
    "path", ["sync?timeout=0&filter=", "rooms/{room}/messages?dir=b&filter=", "publicRooms?since="]
)
def test_a_huge_query_is_answered(world: World, path: str) -> None:
    target = "/_matrix/client/v3/" + path.replace("{room}", world.ids["room"][0].replace("!", "%21"))
    status, _ = _verbatim(world, target + "x" * QUERY_BYTES)
    assert status in {400, 413, 414, 431}


def _verbatim(world: World, target: str) -> tuple[int, str]:
    """Send the target as it is: a client library would tidy the path first. Returns status and error code."""
    served = urlsplit(world.cast.stage.served.url)
    assert served.hostname is not None
    connection = http.client.HTTPConnection(served.hostname, served.port, timeout=REQUEST_SECONDS)
    connection.request("GET", target, headers={"Authorization": f"Bearer {world.alice.token}"})
    response = connection.getresponse()
    content = response.read()
    connection.close()
    try:
        return response.status, str(json.loads(content).get("errcode", ""))
    except ValueError:
        return response.status, ""


OTHERS: tuple[Any, ...] = (None, True, 7, "text", [], {}, [{}])
# The shapes JSON values are told apart by; an integer is a number too.
NAMES = {
    "null": type(None),
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "string": str,
    "array": list,
    "object": dict,
}


def test_a_property_of_the_wrong_type_is_refused(world: World, built_operations: list[Operation]) -> None:
    """A property that must be there is refused in any other type; one that need not be never makes a 5xx."""
    faults = []
    for operation in built_operations:
        if operation.operation_id in {"logout", "logout_all"}:
            continue
        path = world.cast.stage.path(operation, _live_path(world, operation))
        for name, value, required in _wrong(operation):
            body = {**_filled(operation), name: value}
            response = world.raw(operation.method, path, json.dumps(body).encode(), world.alice.token)
            shown = f"{operation.operation_id} {name}={value!r}: {response.status_code} {response.text[:120]}"
            status = response.status_code
            wrong_code = status == 400 and response.json()["errcode"] not in BAD_BODY
            if status >= 500 or (required and (status < 400 or wrong_code)):
                faults.append(shown)
    assert not faults, "\n".join(faults)


def _wrong(operation: Operation) -> Iterator[tuple[str, Any, bool]]:
    for name, schema in (operation.body or {}).get("properties", {}).items():
        kinds = schema.get("type", ())
        kinds = [kinds] if isinstance(kinds, str) else kinds
        allowed = tuple(NAMES[kind] for kind in kinds)
        for value in OTHERS if allowed else ():
            # bool is a kind of int in Python, and not in JSON.
            fits = type(value) in allowed or (not isinstance(value, bool) and isinstance(value, allowed))  # type: ignore[arg-type]
            if not fits:
                yield name, value, name in operation.body_required


def _filled(operation: Operation) -> dict[str, Any]:
    example = operation.body_example
    return dict(example) if isinstance(example, dict) else {}


def _live_path(world: World, operation: Operation) -> dict[str, str]:
    kinds = {"roomId": "room", "roomIdOrAlias": "room", "eventId": "event", "userId": "me", "deviceId": "device"}
    kinds |= {"filterId": "filter", "mediaId": "media", "serverName": "server", "roomAlias": "alias"}
    kinds |= {"version": "backup", "ruleId": "rule"}
    path = {}
    for name in (p.name for p in operation.parameters if p.place == "path"):
        path[name] = world.ids[kinds[name]][0] if name in kinds else WORDS_OF_NAME.get(name, ("probe",))[0]
    return path
