"""A public account for the clients' plays, and its staff, who ask Teahouse's own API and need no Matrix client."""

import asyncio
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from tests.clients.actor import Actor
from tests.clients.stage import Person, Stage


async def by_hand(stage: Stage, person: Person) -> httpx.AsyncClient:
    """`person` signs in without a client: requests with their token."""
    client = httpx.AsyncClient(base_url=stage.url, timeout=30)
    login = {"type": "m.login.password", "user": person.localpart, "password": person.password}
    token = (await client.post("/_matrix/client/v3/login", json=login)).raise_for_status().json()["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"
    return client


def as_actor(actor: Actor) -> httpx.AsyncClient:
    """Requests with the token of a client's device: what its user can do that the client does not know of."""
    headers = {"Authorization": f"Bearer {actor.access_token}"}
    return httpx.AsyncClient(base_url=actor.url, headers=headers, timeout=30)


async def whoami(client: httpx.AsyncClient) -> str:
    """Whose token it is."""
    return str((await client.get("/_matrix/client/v3/account/whoami")).json()["user_id"])


async def greet(one: httpx.AsyncClient, other: httpx.AsyncClient, other_id: str) -> None:
    """One greets another, who accepts."""
    wish = {"is_direct": True, "preset": "trusted_private_chat", "invite": [other_id]}
    made = (await one.post("/_matrix/client/v3/createRoom", json=wish)).raise_for_status().json()
    (await other.post(f"/_matrix/client/v3/rooms/{quote(made['room_id'])}/join", json={})).raise_for_status()


@dataclass
class Newsroom:
    """An account, and its owner's way to it."""

    handle: str
    user_id: str
    room_id: str
    client: httpx.AsyncClient

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.client.request(method, f"/_teahouse/v1/accounts/{self.handle}{path}", json=body)
        answer.raise_for_status()
        return answer.json()

    async def publish(self, text: str, **content: Any) -> Any:
        return await self.ask("POST", "/posts", {"content": {"text": text, **content}})


async def newsroom(stage: Stage) -> Newsroom:
    """Somebody opens an account; they need no Matrix client for it."""
    client = await by_hand(stage, await stage.person("owner"))
    handle = f"daily-{secrets.token_hex(4)}"
    body = {"handle": handle, "kind": "media", "name": f"The Daily Leaf {handle}"}
    made = (await client.post("/_teahouse/v1/accounts", json=body)).raise_for_status().json()
    return Newsroom(handle, made["user_id"], made["room_id"], client)


async def followers(stage: Stage) -> tuple[Actor, Actor]:
    """One with each client."""
    alice, bob = await asyncio.gather(stage.person("alice"), stage.person("bob"))
    nio, js = await asyncio.gather(stage.enter(alice, "nio"), stage.enter(bob, "js", "browser"))
    return nio, js
