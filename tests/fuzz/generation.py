"""Requests made from the specification's schemas: mostly well formed, with live ids, and something wrong in them.

Hypothesis strategies only. A `Live` stands for an id that exists on the running server and is put in when the request
is sent, so an example means the same in every run and can be shrunk.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.contract.specification import Operation, Parameter


@dataclass(frozen=True)
class Live:
    """An id of the running server: the `index`-th of its kind, counted round."""

    kind: str
    index: int


@dataclass(frozen=True)
class Request:
    """One request before live ids are put in. `body` is None, bytes, or JSON with `Live`s as values and as names."""

    operation_id: str
    path: Mapping[str, str | Live]
    query: Mapping[str, Any]
    body: Any
    token: str


HOSTILE_NUMBERS: tuple[Any, ...] = (
    -1, 0, 2**31, 2**53, 2**53 + 1, -(2**53) - 1, 2**63, 2**64, 10**400,
    0.5, -0.0, 1e308, math.nan, math.inf, -math.inf,
)  # fmt: skip
HOSTILE_TEXTS = (
    "", " ", "\0", "a\0b", "\ud800", "\udfff\ud800", "\u202e", "\ufeff", "é" * 300, "x" * 20_000,
    "..", "../../etc/passwd",
    "%2e%2e%2f", "%00", "%", "!", "@", "#", "$", "@:", "!:", "'; DROP TABLE events;--", "${jndi:x}", "{}", "null", "-1",
    "@a:" + "b" * 300, "$" + "A" * 43, "!" + "A" * 43, "mxc://", "*", "\r\nX-Injected: 1", "𝕏", "1e999",
)  # fmt: skip
DEEP: Any = None
for _ in range(200):
    DEEP = {"a": [DEEP]}
HOSTILE_VALUES: tuple[Any, ...] = (
    None, True, False, [], {}, [None], [[]], {"": ""}, {"\0": 1}, {"__proto__": {}}, DEEP, [0] * 2000,
    {str(number): {} for number in range(300)},
)  # fmt: skip

hostile_texts = st.one_of(st.sampled_from(HOSTILE_TEXTS), st.text(max_size=40))
hostile_values = st.one_of(
    st.sampled_from(HOSTILE_VALUES), st.sampled_from(HOSTILE_NUMBERS), hostile_texts, st.integers(), st.floats()
)
live_index = st.integers(0, 3)

# Which kind of live id a parameter or property of this name wants. By name, for the specification's formats say only
# "user id", where it matters that it be one's own.
KIND_OF_NAME = {
    "roomId": "room",
    "room_id": "room",
    "roomIdOrAlias": "room",
    "roomAlias": "alias",
    "eventId": "event",
    "event_id": "event",
    "m.read": "event",
    "m.fully_read": "event",
    "userId": "me",
    "user_id": "user",
    "deviceId": "device",
    "device_id": "device",
    "filterId": "filter",
    "filter": "filter",
    "mediaId": "media",
    "serverName": "server",
    "server": "server",
    "since": "token",
    "from": "token",
    "to": "token",
    "version": "backup",
    "ruleId": "rule",
    "txnId": "txn",
    "handle": "account",
    "number": "post",
    "commentId": "comment",
}
KIND_OF_FORMAT = {
    "mx-room-id": "room",
    "mx-event-id": "event",
    "mx-user-id": "user",
    "mx-room-alias": "alias",
    "mx-server-name": "server",
    "mx-mxc-uri": "mxc",
}
WORDS_OF_NAME: Mapping[str, tuple[str, ...]] = {
    "eventType": ("m.room.message", "org.example.tea", "m.room.topic", "m.reaction", "m.room.member"),
    "stateKey": ("", "tea", "@nobody:example.org"),
    "type": ("m.room.message", "org.example.tea", "m.direct"),
    "tag": ("m.favourite", "u.tea"),
    "relType": ("m.annotation", "m.thread", "m.replace"),
    "kind": ("override", "content", "room", "sender", "underride"),
    "receiptType": ("m.read", "m.read.private", "m.fully_read"),
    "keyName": ("displayname", "avatar_url", "m.tz", "org.example.leaf"),
    "sessionId": ("session", "s/1+2"),
    "fileName": ("tea.png", "x"),
    "dir": ("b", "f"),
    "room_version": ("10", "11"),
    "new_version": ("11",),
    "errcode": ("M_UNKNOWN",),
}
DEPTH_MAX = 5  # of generated bodies; no schema nests further before it comes to free content
SCHEMA_BROKEN_ONE_IN = 2  # requests in which something was made wrong on purpose
PATH_BROKEN_ONE_IN = 12
TOKENS = ("alice",) * 17 + ("bob", "foreign", "none")


def one_in(count: int) -> st.SearchStrategy[bool]:
    return st.integers(0, count - 1).map(lambda number: number == count - 1)


@st.composite
def requests(draw: st.DrawFn, operations: Sequence[Operation]) -> Request:
    """A request for one of the operations."""
    operation = draw(st.sampled_from(operations))
    path = {p.name: draw(_path_value(p)) for p in operation.parameters if p.place == "path"}
    query = {
        p.name: draw(_query_value(p))
        for p in operation.parameters
        if p.place == "query" and (p.required or draw(st.booleans()))
    }
    body: Any = None
    if operation.body is not None:
        body = draw(values(operation.body))
        if draw(one_in(SCHEMA_BROKEN_ONE_IN)):
            body = draw(broken(body))
    elif operation.body_media_types:
        body = draw(st.binary(max_size=200))
    return Request(operation.operation_id, path, query, body, draw(st.sampled_from(TOKENS)))


@st.composite
def values(draw: st.DrawFn, schema: Mapping[str, Any], name: str = "", depth: int = 0) -> Any:
    """A value that fits the schema, or nearly: live ids where ids are meant."""
    for choice in ("oneOf", "anyOf"):
        if choice in schema:
            return draw(values(draw(st.sampled_from(schema[choice])), name, depth))
    if "enum" in schema:
        return draw(st.sampled_from(schema["enum"]))
    kind = schema.get("type", "object" if {"properties", "allOf", "additionalProperties"} & set(schema) else None)
    if isinstance(kind, list):
        kind = draw(st.sampled_from(kind))
    if kind == "object" and depth < DEPTH_MAX:
        return draw(_objects(schema, depth))
    if kind == "array" and depth < DEPTH_MAX:
        count = draw(st.integers(0, 2))
        return [draw(values(schema.get("items", {}), name, depth + 1)) for _ in range(count)]
    if kind == "string":
        return draw(_strings(schema, name))
    simple: Mapping[Any, st.SearchStrategy[Any]] = {
        "integer": st.integers(0, 100),
        "number": st.floats(0, 1),
        "boolean": st.booleans(),
        "null": st.none(),
        "array": st.just([]),
        "object": st.just({}),
    }
    return draw(simple.get(kind, st.sampled_from([{}, "tea", 1, True])))


@st.composite
def _objects(draw: st.DrawFn, schema: Mapping[str, Any], depth: int) -> dict[Any, Any]:
    made: dict[Any, Any] = {}
    for part in schema.get("allOf", ()):
        made.update(draw(_objects(part, depth)))
    required = set(schema.get("required", ()))
    for name, inner in schema.get("properties", {}).items():
        if name in required or draw(st.booleans()):
            made[name] = draw(values(inner, name, depth + 1))
    extra = schema.get("additionalProperties") or next(iter(schema.get("patternProperties", {}).values()), None)
    if isinstance(extra, dict):
        kinds = KIND_OF_FORMAT.get(schema.get("x-pattern-format", ""), "")
        key = draw(_ids(kinds)) if kinds else draw(st.sampled_from([Live("user", 0), Live("device", 0), "tea"]))
        made[key] = draw(values(extra, "", depth + 1))
    if not made and draw(st.booleans()):
        made = {"msgtype": "m.text", "body": draw(st.text(max_size=20))}
    return made


def _ids(kind: str) -> st.SearchStrategy[Live]:
    return live_index.map(lambda index: Live(kind, index))


def _strings(schema: Mapping[str, Any], name: str) -> st.SearchStrategy[Any]:
    kind = KIND_OF_NAME.get(name) or KIND_OF_FORMAT.get(schema.get("format", ""))
    if kind:
        return _ids(kind)
    if name in WORDS_OF_NAME:
        return st.sampled_from(WORDS_OF_NAME[name])
    examples = [schema[key] for key in ("example", "default", "const") if isinstance(schema.get(key), str)]
    return st.sampled_from(examples) if examples else st.text(st.characters(codec="utf-8"), max_size=20)


@st.composite
def _path_value(draw: st.DrawFn, parameter: Parameter) -> Any:
    if draw(one_in(PATH_BROKEN_ONE_IN)):
        return draw(hostile_texts)
    return draw(values({"type": "string", **parameter.schema}, parameter.name))


@st.composite
def _query_value(draw: st.DrawFn, parameter: Parameter) -> Any:
    if draw(one_in(4)):
        return draw(st.one_of(hostile_texts, st.integers()))
    value = draw(values(parameter.schema, parameter.name))
    return value if isinstance(value, str | int | float | Live | list) else str(value)


@st.composite
def broken(draw: st.DrawFn, body: Any) -> Any:
    """The body with one place in it changed: another value, a name lost, a name too many, or the whole replaced."""
    places = list(_places(body))
    place = draw(st.sampled_from(places))
    if not place:
        return draw(hostile_values)
    changed = _copied(body)
    inner = changed
    for step in place[:-1]:
        inner = inner[step]
    match draw(st.sampled_from(["replace", "replace", "lose", "add"])):
        case "lose":
            del inner[place[-1]]
        case "add" if isinstance(inner, dict):
            inner[draw(hostile_texts)] = draw(hostile_values)
        case _:
            inner[place[-1]] = draw(hostile_values)
    return changed


def _places(body: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [above]
    inner = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for step, value in inner:
        found += _places(value, (*above, step))
    return found


def _copied(body: Any) -> Any:
    if isinstance(body, dict):
        return {name: _copied(value) for name, value in body.items()}
    return [_copied(value) for value in body] if isinstance(body, list) else body
