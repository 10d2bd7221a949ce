"""The endpoints of keys over HTTP: what they answer, and that no input breaks them."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from teahouse.db import Database
from teahouse.errors import InvalidParam, UserAuthNeeded
from teahouse.http.app import HttpApp
from teahouse.http.messages import Request, Requester
from teahouse.keys import BackupApi, KeysApi
from tests.keys.people import Stage, cross_signing_key, device_keys, one_time_key, public, signed, stage

V3 = "/_matrix/client/v3"
ALGORITHM = "m.megolm_backup.v1.curve25519-aes-sha2"
BACKED_UP = {"first_message_index": 1, "forwarded_count": 0, "is_verified": True, "session_data": {"ciphertext": "x"}}


class Edge:
    """What the endpoints need of others: tokens are device ids, the password is `tea`, sync knows Bob only."""

    def __init__(self) -> None:
        self.devices: dict[str, Requester] = {}

    def seen(self, requester: Requester, address: str) -> None:
        """Nobody asks when."""

    async def requester(self, token: str) -> Requester:
        return self.devices[token]

    def spend(self, limit: str, requester: Requester | None, client_ip: str) -> None: ...

    def of(self, peer: str, headers: Mapping[str, str]) -> str:
        return peer

    async def confirm(self, request: Request, body: Mapping[str, Any]) -> None:
        if body.get("auth") != {"password": "tea"}:
            raise UserAuthNeeded("Prove it.", flows=[{"stages": ["m.login.password"]}], session="s")

    async def device_lists(self, requester: Requester, since: str, to: str) -> tuple[Sequence[str], Sequence[str]]:
        if since != "s1":
            raise InvalidParam("no token")
        return ["@bob:tea.example"], []


class Served:
    """The endpoints with a client before them."""

    def __init__(self, on: Stage, edge: Edge, client: httpx.AsyncClient) -> None:
        self.on = on
        self._edge = edge
        self._client = client

    def add(self, name: str, *device_ids: str) -> list[Requester]:
        found = self.on.people.add(name, *device_ids)
        self._edge.devices |= {device.device_id: device for device in found}
        return found

    async def ask(self, method: str, path: str, body: object = None, device: str = "PHONE") -> tuple[int, Any]:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {device}"}
        answer = await self._client.request(method, V3 + path, content=content, headers=headers)
        return answer.status_code, answer.json()


@asynccontextmanager
async def serving(database: Database) -> AsyncIterator[Served]:
    on, edge = stage(database), Edge()
    routes = [*KeysApi(on.keys, edge, edge).routes(), *BackupApi(on.keys.backups).routes()]
    transport = httpx.ASGITransport(HttpApp(routes, edge, edge, edge))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://tea.example") as client:
        yield Served(on, edge, client)


async def test_keys_travel_from_upload_to_query_and_claim(database: Database) -> None:
    async with serving(database) as served:
        alice, bob = *served.add("alice", "PHONE"), *served.add("bob", "LAPTOP")
        keys = device_keys(alice, Ed25519PrivateKey.generate())
        one = json.loads(one_time_key("A").key)
        upload = {"device_keys": keys, "one_time_keys": {"signed_curve25519:A": one}, "fallback_keys": {}}
        counts = {"one_time_key_counts": {"signed_curve25519": 1}}
        assert await served.ask("POST", "/keys/upload", upload) == (200, counts)
        assert await served.ask("POST", "/keys/upload", {}) == (200, counts)
        query = {"device_keys": {alice.user_id: []}, "timeout": 10_000}
        _, shown = await served.ask("POST", "/keys/query", query, "LAPTOP")
        assert shown["device_keys"] == {alice.user_id: {"PHONE": {**keys, "unsigned": {}}}}
        assert shown["failures"] == {}
        claim = {"one_time_keys": {alice.user_id: {"PHONE": "signed_curve25519"}}}
        found = {"one_time_keys": {alice.user_id: {"PHONE": {"signed_curve25519:A": one}}}, "failures": {}}
        assert await served.ask("POST", "/keys/claim", claim, "LAPTOP") == (200, found)
        assert (await served.ask("POST", "/keys/claim", claim, "LAPTOP"))[1]["one_time_keys"] == {}
        changes = {"changed": [bob.user_id], "left": []}
        assert await served.ask("GET", "/keys/changes?from=s1&to=s2") == (200, changes)
        assert (await served.ask("GET", "/keys/changes?from=x&to=s2"))[0] == 400
        assert (await served.ask("GET", "/keys/changes?from=s1"))[1]["errcode"] == "M_MISSING_PARAM"


async def test_cross_signing_over_http_asks_for_proof_and_reports_failures(database: Database) -> None:
    async with serving(database) as served:
        (alice,) = served.add("alice", "PHONE")
        first, second = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
        path, body = "/keys/device_signing/upload", {"master_key": cross_signing_key(alice, "master", first)}
        assert await served.ask("POST", path, body) == (200, {})
        other = {"master_key": cross_signing_key(alice, "master", second)}
        status, flows = await served.ask("POST", path, other)
        assert (status, flows["session"]) == (401, "s")
        assert await served.ask("POST", path, {**other, "auth": {"password": "tea"}}) == (200, {})
        unsigned = {**other, "self_signing_key": cross_signing_key(alice, "self_signing", first)}
        assert (await served.ask("POST", path, unsigned))[1]["errcode"] == "M_INVALID_SIGNATURE"
        forged = signed(other["master_key"], alice.user_id, "PHONE", first)
        status, answer = await served.ask(
            "POST", "/keys/signatures/upload", {alice.user_id: {public(second): forged, "NONE": forged}}
        )
        assert status == 200
        assert {key: error["errcode"] for key, error in answer["failures"][alice.user_id].items()} == {
            public(second): "M_INVALID_SIGNATURE",
            "NONE": "M_NOT_FOUND",
        }


async def test_a_backup_is_kept_over_http(database: Database) -> None:
    async with serving(database) as served:
        served.add("alice", "PHONE")
        assert (await served.ask("GET", "/room_keys/version"))[0] == 404
        created = await served.ask("POST", "/room_keys/version", {"algorithm": ALGORITHM, "auth_data": {"k": 1}})
        version = created[1]["version"]
        assert await served.ask("PUT", f"/room_keys/keys/!r/a%2Fb?version={version}", BACKED_UP) == (
            200,
            {"etag": "1", "count": 1},
        )
        rooms = {"rooms": {"!q": {"sessions": {"s": BACKED_UP}}}}
        assert (await served.ask("PUT", f"/room_keys/keys?version={version}", rooms))[1]["count"] == 2
        shown = {"rooms": {**rooms["rooms"], "!r": {"sessions": {"a/b": BACKED_UP}}}}
        assert await served.ask("GET", f"/room_keys/keys?version={version}") == (200, shown)
        assert await served.ask("GET", f"/room_keys/keys/!r?version={version}") == (200, shown["rooms"]["!r"])
        assert await served.ask("GET", f"/room_keys/keys/!r/a%2Fb?version={version}") == (200, BACKED_UP)
        described = {"algorithm": ALGORITHM, "auth_data": {"k": 1}, "count": 2, "etag": "2", "version": version}
        assert await served.ask("GET", "/room_keys/version") == (200, described)
        assert (await served.ask("DELETE", f"/room_keys/keys/!r?version={version}"))[1]["count"] == 1
        wrong = await served.ask("PUT", "/room_keys/keys?version=77", rooms)
        assert (wrong[0], wrong[1]["errcode"], wrong[1]["current_version"]) == (
            403,
            "M_WRONG_ROOM_KEYS_VERSION",
            version,
        )
        for _ in range(2):
            assert await served.ask("DELETE", f"/room_keys/version/{version}") == (200, {})
        assert (await served.ask("GET", f"/room_keys/keys?version={version}"))[0] == 404


async def test_what_a_backup_holds_is_its_clients_business(database: Database) -> None:
    async with serving(database) as served:
        served.add("alice", "PHONE")
        begun = {"algorithm": "org.example.backup.v2", "auth_data": "opaque"}
        status, created = await served.ask("POST", "/room_keys/version", begun)
        assert status == 200
        shown = (await served.ask("GET", "/room_keys/version"))[1]
        assert (shown["algorithm"], shown["auth_data"]) == ("org.example.backup.v2", "opaque")
        key, path = {**BACKED_UP, "session_data": "opaque"}, f"/room_keys/keys/!r/s?version={created['version']}"
        assert (await served.ask("PUT", path, key))[0] == 200
        assert await served.ask("GET", path) == (200, key)


DEEP = b'{"messages":' + b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b"}"
BIG = 2**63
BAD = [
    ("POST", "/keys/upload", {"device_keys": 1}),
    ("POST", "/keys/upload", {"device_keys": {"user_id": "@alice:tea.example"}}),
    ("POST", "/keys/upload", {"one_time_keys": {"nocolon": "x"}}),
    ("POST", "/keys/upload", {"one_time_keys": {"a:b": {"key": 1}}}),
    ("POST", "/keys/upload", {"one_time_keys": {"a:b\0": "x"}}),
    ("POST", "/keys/upload", {"fallback_keys": {"a:b": "x", "a:c": "x"}}),
    ("POST", "/keys/upload", [1]),
    ("POST", "/keys/upload", b"\xff"),
    ("POST", "/keys/upload", b'{"one_time_keys":{"a:b":"\\ud800"}}'),
    ("POST", "/keys/query", {"device_keys": ["@a:b"]}),
    ("POST", "/keys/query", {"device_keys": {"@a\0:b": []}}),
    ("POST", "/keys/claim", {}),
    ("POST", "/keys/claim", {"one_time_keys": {"@alice:tea.example": {"PHONE\0": "x"}}}),
    ("POST", "/keys/claim", {"one_time_keys": {"@alice:tea.example": {"PHONE": ""}}}),
    ("POST", "/keys/device_signing/upload", {"master_key": "x"}),
    ("POST", "/keys/device_signing/upload", {"master_key": {"user_id": 1, "usage": {}, "keys": []}}),
    ("POST", "/keys/device_signing/upload", {}),
    ("POST", "/keys/signatures/upload", {"@alice:tea.example": "x"}),
    ("PUT", "/sendToDevice/m.test/1", {"messages": {"@a:b": 1}}),
    ("PUT", "/sendToDevice/m.test/1", {"messages": {"@alice:tea.example": {"PHONE": {"pi": 3.14}}}}),
    ("PUT", "/sendToDevice/m.test/1", DEEP),
    ("PUT", "/sendToDevice/m.test/%00", {"messages": {}}),
    ("POST", "/room_keys/version", {"algorithm": "", "auth_data": {}}),
    ("POST", "/room_keys/version", {"algorithm": "tea", "auth_data": [1]}),
    ("PUT", "/room_keys/keys/!r/s?version=1", {**BACKED_UP, "session_data": 1}),
    ("PUT", "/room_keys/keys/!r/s?version=1", {**BACKED_UP, "first_message_index": -1}),
    ("PUT", "/room_keys/keys/!r/s?version=1", {**BACKED_UP, "forwarded_count": BIG}),
    ("PUT", "/room_keys/keys/!r/%00?version=1", BACKED_UP),
    ("PUT", "/room_keys/keys/!r/s", BACKED_UP),
    ("GET", "/room_keys/keys", None),
]


@pytest.mark.parametrize(("method", "path", "body"), BAD)
async def test_input_of_the_wrong_shape_is_refused(database: Database, method: str, path: str, body: object) -> None:
    async with serving(database) as served:
        served.add("alice", "PHONE")
        status, answer = await served.ask(method, path, body)
        assert (status, answer["errcode"][:2]) == (400, "M_")


@pytest.mark.parametrize("version", ["", "x", "-1", "9" * 40])
async def test_a_strange_version_is_just_unknown(database: Database, version: str) -> None:
    async with serving(database) as served:
        served.add("alice", "PHONE")
        assert (await served.ask("GET", f"/room_keys/keys?version={version}"))[0] == 404
        assert (await served.ask("DELETE", f"/room_keys/keys?version={version}"))[0] == 404


async def test_a_message_is_sent_over_http(database: Database) -> None:
    async with serving(database) as served:
        (alice,) = served.add("alice", "PHONE")
        body = {"messages": {alice.user_id: {"*": {"n": 1}}}}
        for _ in range(2):
            assert await served.ask("PUT", "/sendToDevice/m.test/t%2F1", body) == (200, {})
        messages, _ = await served.on.keys.inbox(alice.user_no, "PHONE", 0, database.head)
        assert [json.loads(message)["content"] for message in messages] == [{"n": 1}]
