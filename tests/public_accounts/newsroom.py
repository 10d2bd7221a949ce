"""A public account with its owner and somebody to follow it, for tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.world import Person, World

ACCOUNTS = "/_teahouse/v1/accounts"
ACCOUNT = f"{ACCOUNTS}/{{handle}}"
POSTS = f"{ACCOUNT}/posts"
POST = f"{POSTS}/{{number}}"
FOLLOW = f"{ACCOUNT}/follow"


@dataclass
class Account:
    """A public account as its owner holds it."""

    owner: Person
    handle: str
    room_id: str
    user_id: str

    async def publish(self, text: str = "Tea is served.", **content: Any) -> Any:
        """Publish; the post."""
        body = {"content": {"text": text, **content}}
        return await self.owner.good("POST", POSTS, body, handle=self.handle)

    async def post(self, number: int) -> Any:
        """One of its posts."""
        return await self.owner.good("GET", POST, handle=self.handle, number=str(number))


async def opened(owner: Person, handle: str = "daily", kind: str = "media", **wish: Any) -> Account:
    """Open an account."""
    body = {"handle": handle, "kind": kind, "name": "The Daily Leaf", **wish}
    made = await owner.good("POST", ACCOUNTS, body)
    return Account(owner, handle, made["room_id"], made["user_id"])


async def newsroom(tea: World, handle: str = "daily") -> tuple[Account, Person]:
    """An account, and somebody who does not follow it yet."""
    owner, reader = await tea.person(f"owner-{handle}"), await tea.person(f"reader-{handle}")
    return await opened(owner, handle), reader


def timeline(answer: Any, room_id: str) -> list[Any]:
    """The events of a joined room in a sync answer."""
    room = answer.get("rooms", {}).get("join", {}).get(room_id, {})
    return list(room.get("timeline", {}).get("events", []))
