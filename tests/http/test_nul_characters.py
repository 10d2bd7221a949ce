"""U+0000 in whatever people send: kept where bytes are kept, refused clearly where texts are, alike on every engine."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.databases import TEMPLATE, Place, command
from tests.postgres import PostgresServer
from tests.public_accounts.newsroom import newsroom
from tests.world import Answer, World, world

NUL = "a\0b"
REFUSALS = ("M_BAD_JSON", "M_INVALID_PARAM")
ROOM = "/rooms/{roomId}"
# What a client sends in fields that are free texts of the specification: method, path, body.
STANDARD: Mapping[str, tuple[str, str, Any]] = {
    "a name": ("PUT", "/profile/{userId}/displayname", {"displayname": NUL}),
    "a picture": ("PUT", "/profile/{userId}/avatar_url", {"avatar_url": NUL}),
    "a profile field": ("PUT", "/profile/{userId}/org.example.field", {"org.example.field": NUL}),
    "a device's name": ("PUT", "/devices/{deviceId}", {"display_name": NUL}),
    "account data": ("PUT", "/user/{userId}/account_data/org.example", {"text": NUL}),
    "a tag": ("PUT", "/user/{userId}/rooms/{roomId}/tags/u.tea", {"order": 0, "text": NUL}),
    "a filter": ("POST", "/user/{userId}/filter", {"room": {"timeline": {"types": [NUL]}}}),
    "a push rule": ("PUT", "/pushrules/global/content/mine", {"pattern": NUL, "actions": ["notify"]}),
    "a message": ("PUT", f"{ROOM}/send/m.room.message/{{txnId}}", {"msgtype": "m.text", "body": NUL, NUL: NUL}),
    "a reaction": ("PUT", f"{ROOM}/send/m.reaction/{{txnId}}",
                   {"m.relates_to": {"rel_type": "m.annotation", "event_id": "{event}", "key": NUL}}),
    "a relation": ("PUT", f"{ROOM}/send/m.room.message/{{txnId}}",
                   {"body": "x", "m.relates_to": {"rel_type": NUL, "event_id": NUL}}),
    "a mention": ("PUT", f"{ROOM}/send/m.room.message/{{txnId}}", {"body": "x", "m.mentions": {"user_ids": [NUL]}}),
    "a room's name": ("PUT", f"{ROOM}/state/m.room.name", {"name": NUL}),
    "a topic": ("PUT", f"{ROOM}/state/m.room.topic", {"topic": NUL}),
    "a visibility": ("PUT", f"{ROOM}/state/m.room.history_visibility", {"history_visibility": NUL}),
    "an alias of a room": ("PUT", f"{ROOM}/state/m.room.canonical_alias", {"alias": NUL}),
    "a new room": ("POST", "/createRoom", {"name": NUL, "topic": NUL}),
    "a new room's alias": ("POST", "/createRoom", {"room_alias_name": NUL}),
    "an invited user": ("POST", f"{ROOM}/invite", {"user_id": NUL}),
    "a reason": ("POST", f"{ROOM}/leave", {"reason": NUL}),
    "a receipt": ("POST", f"{ROOM}/receipt/m.read/{{event}}", {"thread_id": NUL}),
    "a search": ("POST", "/user_directory/search", {"search_term": NUL}),
    "a search of rooms": ("POST", "/publicRooms", {"filter": {"generic_search_term": NUL}}),
    "a page of rooms": ("POST", "/publicRooms", {"since": NUL}),
    "a to-device message": ("PUT", "/sendToDevice/org.example/{txnId}", {"messages": {NUL: {NUL: {"text": NUL}}}}),
    "a key": ("POST", "/keys/query", {"device_keys": {NUL: [NUL]}}),
    "an ignored user": ("PUT", "/user/{userId}/account_data/m.ignored_user_list", {"ignored_users": {NUL: {}}}),
    "a sign-in": ("POST", "/login", {"type": "m.login.password", "password": NUL,
                                     "identifier": {"type": "m.id.user", "user": NUL}}),
}  # fmt: skip


@pytest.fixture
async def both(
    folder: Path, sqlite_template: Path, postgres_template: PostgresServer, tmp_path: Path
) -> AsyncIterator[Mapping[str, World]]:
    """A server on each engine."""
    file, name = folder / "nul.db", "nul_characters"
    shutil.copy(sqlite_template, file)
    await command(postgres_template, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    async with AsyncExitStack() as stack:
        places = {"sqlite": Place(file), "postgres": Place(None, postgres_template.url(name), name)}
        yield {
            engine: await stack.enter_async_context(world(place, tmp_path / engine)) for engine, place in places.items()
        }
    await command(postgres_template, f"DROP DATABASE {name} WITH (FORCE)")
    for path in file.parent.glob(f"{file.name}*"):
        path.unlink()


def sample(document: Any, schema: Any, depth: int = 0) -> Any:
    """A value that a schema allows, with a NUL in every text that is free."""
    if "$ref" in schema:
        return sample(document, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], depth)
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return sample(document, next(each for each in schema[union] if each.get("type") != "null"), depth)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        fields = schema.get("properties", {})
        return {name: sample(document, field, depth + 1) for name, field in fields.items() if depth < 4}
    if kind == "array":
        return [sample(document, schema.get("items", {"type": "string"}), depth + 1)] if depth < 4 else []
    if kind in ("integer", "number"):
        return schema.get("minimum", 0)
    return False if kind == "boolean" else NUL


def bodies(document: Any, operation: Any) -> list[Any]:
    """Bodies of an operation, each with NULs: in every field, and in one field alone with what must be there."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return []
    whole = sample(document, content["schema"])
    if not isinstance(whole, dict):
        return [whole]
    return [whole, *({name: value} for name, value in whole.items())]


async def answers(tea: World) -> dict[str, Answer]:
    """What one server answers to all of them."""
    account, reader = await newsroom(tea)
    post = await account.publish("Tea.")
    room_id = await reader.create(name="Room")
    event_id = await reader.say(room_id)
    path = {"handle": "daily", "number": "1", "userId": reader.user_id, "roomId": room_id, "deviceId": reader.device_id,
            "event": event_id, "place": "0", "draftId": "1", "commentId": "1", "tag": "tea"}  # fmt: skip
    found: dict[str, Answer] = {}
    for what, (method, template, body) in STANDARD.items():
        known = {name: path[name] for name in re.findall(r"\{(\w+)\}", template) if name in path}
        txn = {"txnId": tea.next_txn()} if "{txnId}" in template else {}
        filled = filled_in(body, event_id)
        found[what] = await reader.ask(method, template, filled, **known, **txn)
    assert post
    for template, methods in tea.described.document["paths"].items():
        for method, operation in methods.items():
            names = re.findall(r"\{(\w+)\}", template)
            for place, body in enumerate(bodies(tea.described.document, operation)):
                known = {name: path.get(name, "1") for name in names}
                who = account.owner
                found[f"{method} {template} {place}"] = await who.ask(method.upper(), template, body, **known)
    return found


def filled_in(body: Any, event_id: str) -> Any:
    """A body with the id of an event that is there."""
    if isinstance(body, dict):
        return {name: filled_in(value, event_id) for name, value in body.items()}
    return event_id if body == "{event}" else body


async def test_a_nul_is_kept_or_refused_clearly_and_alike_on_every_engine(both: Mapping[str, World]) -> None:
    found = {engine: await answers(tea) for engine, tea in both.items()}
    statuses = {
        engine: {what: (each.status, each.errcode) for what, each in answered.items()}
        for engine, answered in found.items()
    }
    assert statuses["sqlite"] == statuses["postgres"]
    assert len(statuses["sqlite"]) > 100
    assert {what: each for what, each in statuses["sqlite"].items() if each[0] >= 500} == {}
    for what, (status, errcode) in statuses["sqlite"].items():
        assert status != 400 or errcode in REFUSALS, (what, errcode)


async def test_what_is_kept_comes_back_whole_and_the_rooms_around_it_go_on(tea: World) -> None:
    _, reader = await newsroom(tea)
    room_id = await reader.create(name=NUL, topic=NUL, visibility="public")
    said = await reader.say(room_id, NUL)
    event = await reader.good("GET", f"{ROOM}/event/{{eventId}}", roomId=room_id, eventId=said)
    assert event["content"]["body"] == NUL
    state = await reader.good("GET", f"{ROOM}/state/m.room.name", roomId=room_id)
    assert state["name"] == NUL
    listed = await reader.good("POST", "/publicRooms", {"filter": {"generic_search_term": "ab"}})
    assert room_id in [each["room_id"] for each in listed["chunk"]]
    refused = await reader.ask(
        "PUT", f"{ROOM}/state/m.room.history_visibility", {"history_visibility": NUL}, roomId=room_id
    )
    assert (refused.status, refused.errcode) == (400, "M_BAD_JSON")
