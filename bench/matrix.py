"""The Client-Server API as far as the bench needs it: requests as bytes, answers as small structs."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any
from urllib.parse import quote

import msgspec

from bench.wire import Answer, Broken, Connection, accepted, request

V3 = "/_matrix/client/v3"
TEAHOUSE = "/_teahouse/v1"
MESSAGE_BYTES = 100  # body of every message
PARK_MS = 30_000  # how long a long-poll waits


class User(msgspec.Struct, frozen=True):
    user_id: str
    token: str
    password: str
    since: str = ""


class Content(msgspec.Struct):
    body: Any = None


class Event(msgspec.Struct):
    type: str
    event_id: str
    content: Content


class Timeline(msgspec.Struct):
    events: list[Event] = []
    limited: bool = False


class Unread(msgspec.Struct):
    notification_count: int = 0


class JoinedRoom(msgspec.Struct):
    timeline: Timeline = msgspec.field(default_factory=Timeline)
    unread_notifications: Unread = msgspec.field(default_factory=Unread)


class SyncRooms(msgspec.Struct):
    join: dict[str, JoinedRoom] = {}


class Sync(msgspec.Struct):
    next_batch: str
    rooms: SyncRooms = msgspec.field(default_factory=SyncRooms)


class Page(msgspec.Struct):
    chunk: list[Event]
    end: str = ""


class Sent(msgspec.Struct):
    event_id: str


class Registered(msgspec.Struct):
    user_id: str
    access_token: str


class Created(msgspec.Struct):
    room_id: str


class Challenge(msgspec.Struct):
    session: str = ""


read_sync = msgspec.json.Decoder(Sync).decode
read_page = msgspec.json.Decoder(Page).decode
read_sent = msgspec.json.Decoder(Sent).decode
_encode = msgspec.json.encode

LIVE_FILTER = '{"room":{"timeline":{"limit":100},"state":{"lazy_load_members":true}}}'
TOKEN_FILTER = '{"room":{"timeline":{"limit":1},"state":{"not_types":["*"]},"ephemeral":{"not_types":["*"]}}}'


def padded(text: str) -> str:
    return text + "." * (MESSAGE_BYTES - len(text))


def send(user: User, room_id: str, txn_id: str, body: str) -> bytes:
    content = _encode({"msgtype": "m.text", "body": body})
    return request("PUT", f"{V3}/rooms/{quote(room_id)}/send/m.room.message/{txn_id}", user.token, content)


def sync(user: User, since: str = "", timeout_ms: int = 0, filters: str = "") -> bytes:
    query = f"timeout={timeout_ms}"
    if since:
        query += f"&since={quote(since)}"
    if filters:
        query += f"&filter={quote(filters)}"
    return request("GET", f"{V3}/sync?{query}", user.token)


def messages(user: User, room_id: str, limit: int, start: str = "") -> bytes:
    query = f"dir=b&limit={limit}" + (f"&from={quote(start)}" if start else "")
    return request("GET", f"{V3}/rooms/{quote(room_id)}/messages?{query}", user.token)


def read_receipt(user: User, room_id: str, event_id: str) -> bytes:
    path = f"{V3}/rooms/{quote(room_id)}/receipt/m.read/{quote(event_id, safe='')}"
    return request("POST", path, user.token, b"{}")


def follow(user: User, room_id: str) -> bytes:
    """To follow a public account is to join its channel."""
    return request("POST", f"{V3}/rooms/{quote(room_id)}/join", user.token, b"{}")


def unfollow(user: User, room_id: str) -> bytes:
    return request("POST", f"{V3}/rooms/{quote(room_id)}/leave", user.token, b"{}")


def publish(user: User, handle: str, text: str) -> bytes:
    return request("POST", f"{TEAHOUSE}/accounts/{handle}/posts", user.token, _encode({"content": {"text": text}}))


class Api:
    """Calls that build a world, over a few connections."""

    def __init__(self, port: int, connections: int) -> None:
        self._free: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
        self._all = [Connection(port) for _ in range(connections)]
        for connection in self._all:
            self._free.put_nowait(connection)

    async def answer(self, asked: bytes) -> Answer:
        connection = await self._free.get()
        try:
            return await connection.ask(asked)
        except Broken:  # a connection that had been idle may end just as it is used; sends carry a txn_id
            return await connection.ask(asked)
        finally:
            self._free.put_nowait(connection)

    async def call(self, asked: bytes) -> bytes:
        return accepted(await self.answer(asked), asked)

    async def register(self, localpart: str) -> User:
        password = secrets.token_urlsafe(16)
        wish: dict[str, Any] = {"username": localpart, "password": password, "auth": {"type": "m.login.dummy"}}
        asked = request("POST", f"{V3}/register", None, _encode(wish))
        answer = await self.answer(asked)
        if answer.status == 401:  # a server that wants its session named
            wish["auth"]["session"] = msgspec.json.decode(answer.body, type=Challenge).session
            asked = request("POST", f"{V3}/register", None, _encode(wish))
            answer = await self.answer(asked)
        registered = msgspec.json.decode(accepted(answer, asked), type=Registered)
        return User(registered.user_id, registered.access_token, password)

    async def login(self, user: User) -> User:
        """The same user on a new device."""
        wish = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": user.user_id},
            "password": user.password,
        }
        body = await self.call(request("POST", f"{V3}/login", None, _encode(wish)))
        return User(user.user_id, msgspec.json.decode(body, type=Registered).access_token, user.password)

    async def create_room(self, user: User) -> str:
        body = await self.call(request("POST", f"{V3}/createRoom", user.token, _encode({"preset": "public_chat"})))
        return msgspec.json.decode(body, type=Created).room_id

    async def join(self, user: User, room_id: str) -> None:
        await self.call(request("POST", f"{V3}/rooms/{quote(room_id)}/join", user.token, b"{}"))

    async def open_account(self, user: User, handle: str, name: str) -> str:
        """A public account; the room id of its channel."""
        wish = {"handle": handle, "kind": "media", "name": name}
        body = await self.call(request("POST", f"{TEAHOUSE}/accounts", user.token, _encode(wish)))
        return msgspec.json.decode(body, type=Created).room_id

    async def set_invite_only(self, user: User, room_id: str) -> None:
        path = f"{V3}/rooms/{quote(room_id)}/state/m.room.join_rules/"
        await self.call(request("PUT", path, user.token, b'{"join_rule":"invite"}'))

    async def since(self, user: User) -> User:
        """The user with the token of a first sync that shows next to nothing."""
        body = await self.call(sync(user, filters=TOKEN_FILTER))
        return msgspec.structs.replace(user, since=read_sync(body).next_batch)

    def close(self) -> None:
        for connection in self._all:
            connection.close()
