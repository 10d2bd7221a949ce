"""The stage of the clients' plays: people with accounts, their devices, and the secrets they tell each other."""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tests.clients.actor import Actor
from tests.clients.environments import Environments

PIECE_BYTES = 512  # of a file: enough that no other file has it, little enough to lie in one page of a database


class Served(Protocol):
    """A running server, as the `teahouse_server` fixture yields it."""

    @property
    def url(self) -> str: ...
    @property
    def data_dir(self) -> Path: ...
    def register(self, localpart: str, password: str) -> None: ...


@dataclass(frozen=True)
class Person:
    """An account; `localpart` is new in each play, as the plays share a server."""

    localpart: str
    password: str


class Stage:
    def __init__(self, served: Served, environments: Environments, folder: Path) -> None:
        self._served = served
        self._folder = folder
        self._commands: Mapping[str, Callable[[], Sequence[str]]] = {
            "nio": environments.nio,
            "js": environments.js,
            "botlib": environments.botlib,
        }
        self._actors: list[Actor] = []
        self._secrets: list[bytes] = []

    @property
    def url(self) -> str:
        return self._served.url

    async def person(self, name: str) -> Person:
        person = Person(f"{name}-{secrets.token_hex(4)}", secrets.token_urlsafe(12))
        await asyncio.to_thread(self._served.register, person.localpart, person.password)
        return person

    async def enter(self, person: Person, client: str, device: str = "phone") -> Actor:
        """`person` logs in on a new device with this client, and has seen a first sync."""
        asked = {"user": person.localpart, "password": person.password, "device": device}
        return await self._start(f"{person.localpart}'s {device}", client, "login", asked)

    async def come_back(self, actor: Actor, client: str) -> Actor:
        """The device that `actor` was, from its store, in a new process."""
        session = {"user_id": actor.user_id, "device_id": actor.device_id, "access_token": actor.access_token}
        return await self._start(actor.name, client, "resume", session)

    async def _start(self, name: str, client: str, command: str, asked: Mapping[str, Any]) -> Actor:
        store = self._folder / name.replace("'", "").replace(" ", "-")
        if client != "js":  # the SDK keeps its store in memory under Node
            asked = {**asked, "store": str(store)}
        words = await asyncio.to_thread(self._commands[client])
        actor = await Actor.start(name, words, self._folder / f"{store.name}-{len(self._actors)}.stderr")
        self._actors.append(actor)
        session = await actor.do(command, url=self._served.url, **asked)
        actor.user_id, actor.device_id = session["user_id"], session["device_id"]
        actor.url, actor.access_token = self._served.url, session["access_token"]
        return actor

    async def close(self) -> None:
        await asyncio.gather(*(actor.stop() for actor in self._actors))

    def secret(self, words: str) -> str:
        """A text as nobody else says it, to be told in encrypted rooms only."""
        text = f"{words} {secrets.token_hex(8)}"
        self._secrets.append(text.encode())
        return text

    def secret_file(self, path: Path) -> Path:
        """A file to be sent in encrypted rooms only; a piece from its middle stands for it."""
        body = path.read_bytes()
        self._secrets.append(body[max(0, (len(body) - PIECE_BYTES) // 2) :][:PIECE_BYTES])
        return path

    def file(self, name: str) -> Path:
        return self._folder / name

    def secrets_found(self) -> list[str]:
        """Files of the server's data folder, with the secret that each one holds in the clear."""
        assert self._secrets
        return [f"{path}: {secret!r}" for secret in self._secrets for path in holding(secret, self._served.data_dir)]


def holding(needle: bytes, folder: Path) -> list[Path]:
    """Every file under `folder` that has these bytes in it: databases, their write-ahead logs, media, logs."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and needle in _read(path)]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # the server is running: a temporary file may go while we look
        return b""


async def befriend(first: Actor, second: Actor, room_version: str, *, encrypted: bool = True) -> str:
    """A direct chat that `first` offers and `second` accepts, which makes two strangers contacts; its room id."""
    asked = {"user_id": second.user_id, "room_version": room_version, "encrypted": encrypted}
    room_id: str = (await first.do("create_direct", **asked))["room_id"]
    invited = await second.sees("invited", room_id=room_id)
    assert invited["sender"] == first.user_id
    assert invited["is_direct"]
    await second.do("join", room_id=room_id)
    await first.sees("member", room_id=room_id, user_id=second.user_id, membership="join")
    return room_id


async def gather_in_group(host: Actor, guests: Sequence[Actor], room_version: str, *, encrypted: bool = True) -> str:
    """A group of `host`, who has all `guests` for contacts; everyone in it has seen everyone join."""
    invite = [guest.user_id for guest in guests]
    asked = {"name": "Evening", "invite": invite, "room_version": room_version, "encrypted": encrypted}
    room_id: str = (await host.do("create_group", **asked))["room_id"]
    for guest in guests:
        await guest.sees("invited", room_id=room_id, sender=host.user_id)
        await guest.do("join", room_id=room_id)
    for watcher in (host, *guests):
        for guest in guests:
            if guest is not watcher:
                await watcher.sees("member", room_id=room_id, user_id=guest.user_id, membership="join")
    return room_id


async def tells(speaker: Actor, listeners: Sequence[Actor], room_id: str, text: str, *, encrypted: bool = True) -> str:
    """`speaker` says it and every listener reads it, decrypted if it came encrypted; its event id."""
    event_id: str = (await speaker.do("send_text", room_id=room_id, body=text))["event_id"]
    for listener in listeners:
        seen = await listener.sees("message", room_id=room_id, event_id=event_id)
        assert (seen["body"], seen["sender"], seen["encrypted"]) == (text, speaker.user_id, encrypted)
    return event_id
