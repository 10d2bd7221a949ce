"""The whole application in one process, over a real database, asked as clients ask it but without sockets.

Only the time is not real. `restart` builds everything anew over the same database, as a restarted server does.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from teahouse.app import App
from teahouse.config import build
from teahouse.eventlog.identifiers import Identifiers
from teahouse.rooms import receipts
from teahouse.secrets import Secrets
from teahouse.users.types import NewDevice
from tests import own_api
from tests.clock import ManualClock
from tests.counting import Counted
from tests.databases import Engine, Place

SERVER = "tea.test"
ID_KEY = b"0123456789abcdef"
SECRETS = Secrets(id_key=ID_KEY, address_key=b"a key of thirty-two bytes for it")
CLIENT = "/_matrix/client/v3"
LIMIT_S = 20.0  # for an answer that should come at once
SETTINGS: Mapping[str, Any] = {
    "server_name": SERVER,
    "registration": "open",
    "rate_limits.enabled": False,
    "greetings.required": False,
}
NO_HEADERS: Mapping[str, str] = {}
Json = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """Status and decoded body."""

    status: int
    json: Any

    @property
    def errcode(self) -> str | None:
        """The errcode of a refusal."""
        code = self.json.get("errcode") if isinstance(self.json, dict) else None
        return None if code is None else str(code)


@dataclass(frozen=True)
class Fetched:
    """An answer as bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Refused(AssertionError):
    """A request that should have been answered well was not."""


class World:
    """One server."""

    def __init__(
        self, place: Place, clock: ManualClock, folder: Path, settings: Mapping[str, Any] | None = None
    ) -> None:
        self.place = place
        self.clock = clock
        self.config = build({**SETTINGS, "data_dir": str(folder), **(settings or {})})
        self.app: App
        self.described: own_api.Described  # what the server says of its own API
        self.database: Engine
        self.alter: Callable[[App], None] | None = None  # done to the application at every start
        self.counted: Counted
        self._running: asyncio.Task[None] | None = None
        self._txns = itertools.count(1)

    async def start(self) -> World:
        """Open the database and run."""
        self.database = await self.place.open()
        rows = await self.database.fetch("SELECT epoch, first_pos FROM epochs ORDER BY epoch")
        identifiers = Identifiers(ID_KEY, SERVER, [(epoch, first_pos) for epoch, first_pos in rows])
        self.counted = Counted(self.database)
        self.app = App(self.config, self.clock, self.counted, identifiers, SECRETS)
        self.described = own_api.described(self.app.operations)
        if self.alter is not None:
            self.alter(self.app)
        await self.app.open()
        self._running = asyncio.create_task(self.app.run())
        return self

    async def stop(self) -> None:
        """Stop as a server does."""
        self.app.waiters.stop()
        assert self._running is not None
        self._running.cancel()
        with suppress(asyncio.CancelledError):
            await self._running
        await self.app.close()

    async def restart(self) -> None:
        """Stop, and start anew on the same data."""
        await self.stop()
        await self.start()

    async def person(self, name: str) -> Person:
        """A new account with one device."""
        account = await self.app.accounts.register(name, None)
        person = Person(self, f"@{name}:{SERVER}", account.user_no)
        return await person.device("FIRST")

    async def receipts_shown(self) -> None:
        """Wait until every receipt is shown to others."""
        async with asyncio.timeout(LIMIT_S):
            while await self.database.fetch_one(f"SELECT 1 FROM receipts WHERE {receipts.WAITING} LIMIT 1"):
                await asyncio.sleep(0)
            async with self.database.transaction():
                pass  # committed after the one that showed them: by now everybody has heard of it

    def next_txn(self) -> str:
        """A transaction id never used before."""
        return f"t{next(self._txns)}"

    async def exchange(
        self, method: str, path: str, query: str = "", headers: Mapping[str, str] = NO_HEADERS, body: bytes = b""
    ) -> Fetched:
        """One request as bytes, whatever comes of it. `path` is percent-encoded."""
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
        }
        sent: list[Any] = []
        asked = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> Any:
            for message in asked:
                return message
            return await asyncio.Event().wait()  # the client stays

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app.http(scope, receive, send)
        told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Fetched(sent[0]["status"], told, b"".join(message.get("body", b"") for message in sent[1:]))

    async def ask(
        self,
        token: str | None,
        method: str,
        template: str,
        body: Any = None,
        query: Mapping[str, Any] | None = None,
        /,
        **path: str,
    ) -> Answer:
        """One request. `template` is an endpoint's path, below `/_matrix/client/v3` unless it is absolute."""
        filled = template if template.startswith("/_") else CLIENT + template
        for name, value in path.items():
            filled = filled.replace("{" + name + "}", quote(value, safe=""))
        texts = {name: shown(value) for name, value in (query or {}).items() if value is not None}
        raw_body = b"" if body is None else json.dumps(body).encode()
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        async with asyncio.timeout(LIMIT_S + (query or {}).get("timeout", 0) / 1_000):
            found = await self.exchange(method, filled, urlencode(texts), headers, raw_body)
        content, kind = found.body, found.headers.get("content-type", "")
        decoded = content.decode() if kind.startswith("text/") else json.loads(content) if content else None
        answer = Answer(found.status, decoded)
        if template.startswith(own_api.PREFIX):
            assert self.described.faults(method, template, tuple(texts), answer.status, answer.json) == []
        return answer


def shown(value: Any) -> str:
    """A query parameter's text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)


@dataclass
class Person:
    """Somebody at one of their devices."""

    world: World
    user_id: str
    user_no: int
    device_id: str = ""
    token: str = field(default="", repr=False)

    async def device(self, device_id: str) -> Person:
        """The same person at another device, signed in now."""
        app = self.world.app
        account = await app.accounts.find(self.user_id)
        session = await app.sessions.login(account, NewDevice(device_id, None, refreshable=False))
        return Person(self.world, self.user_id, self.user_no, device_id, session.access_token)

    async def ask(
        self, method: str, template: str, body: Any = None, query: Mapping[str, Any] | None = None, /, **path: str
    ) -> Answer:
        """One request, whatever comes of it."""
        return await self.world.ask(self.token, method, template, body, query, **path)

    async def good(
        self, method: str, template: str, body: Any = None, query: Mapping[str, Any] | None = None, /, **path: str
    ) -> Any:
        """One request that is answered well; its body. Raises Refused."""
        answer = await self.ask(method, template, body, query, **path)
        if answer.status != 200:
            raise Refused(f"{method} {template} {path} {query}: {answer.status} {answer.json}")
        return answer.json

    async def create(self, **wish: Any) -> str:
        """Make a room."""
        return str((await self.good("POST", "/createRoom", wish))["room_id"])

    async def say(self, room_id: str, text: str = "tea", **content: Any) -> str:
        """Send a message."""
        return await self.send(room_id, "m.room.message", {"msgtype": "m.text", "body": text, **content})

    async def send(self, room_id: str, event_type: str, content: Json) -> str:
        """Send a message event of any type."""
        template = "/rooms/{roomId}/send/{eventType}/{txnId}"
        return await self._put(template, content, roomId=room_id, eventType=event_type)

    async def set(self, room_id: str, event_type: str, content: Json, state_key: str = "") -> str:
        """Put a state event in place."""
        template = "/rooms/{roomId}/state/{eventType}/{stateKey}"
        return await self._put(template, content, roomId=room_id, eventType=event_type, stateKey=state_key)

    async def redact(self, room_id: str, event_id: str) -> str:
        """Empty an event."""
        template = "/rooms/{roomId}/redact/{eventId}/{txnId}"
        return await self._put(template, {}, roomId=room_id, eventId=event_id)

    async def _put(self, template: str, content: Json, **path: str) -> str:
        if "{txnId}" in template:
            path["txnId"] = self.world.next_txn()
        return str((await self.good("PUT", template, content, None, **path))["event_id"])

    async def join(self, room_id: str) -> None:
        """Join a room."""
        await self.good("POST", "/rooms/{roomId}/join", {}, roomId=room_id)

    async def leave(self, room_id: str) -> None:
        """Leave a room, or say no to an invite."""
        await self.good("POST", "/rooms/{roomId}/leave", {}, roomId=room_id)

    async def put_out(self, verb: str, room_id: str, other: Person) -> None:
        """Invite, kick, ban or unban somebody."""
        await self.good("POST", f"/rooms/{{roomId}}/{verb}", {"user_id": other.user_id}, roomId=room_id)

    async def invite(self, room_id: str, other: Person) -> None:
        """Invite somebody."""
        await self.put_out("invite", room_id, other)

    async def sync(self, since: str | None = None, **query: Any) -> Any:
        """One sync, answered at once unless `timeout` says otherwise."""
        return await self.good("GET", "/sync", None, {"since": since, **query})


@asynccontextmanager
async def world(place: Place, folder: Path, clock: ManualClock | None = None, **settings: Any) -> AsyncIterator[World]:
    """A running server, stopped at the end. In `settings` two underscores stand for a dot."""
    named = {name.replace("__", "."): value for name, value in settings.items()}
    made = await World(place, clock or ManualClock(), folder, named).start()
    try:
        yield made
    finally:
        await made.stop()


@pytest.fixture
async def tea(place: Place, clock: ManualClock, tmp_path: Path) -> AsyncIterator[World]:
    """A running server without greetings, on each engine in turn."""
    async with world(place, tmp_path / "data", clock) as made:
        yield made
