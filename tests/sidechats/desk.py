"""An account with two of its staff and a reader, and what they do with side chats, for tests."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from tests.public_accounts.newsroom import ACCOUNT, Account, newsroom
from tests.world import LIMIT_S, Person, World

CHAT = f"{ACCOUNT}/chat"
CHATS = f"{ACCOUNT}/chats"
ONE = f"{CHATS}/{{roomId}}"


@dataclass
class Desk:
    """An account's staff."""

    account: Account
    owner: Person
    editor: Person

    async def listed(self, state: str, who: Person | None = None) -> list[Any]:
        """One list of the inbox, as the owner sees it or somebody else."""
        found = await (who or self.owner).good("GET", CHATS, None, {"state": state}, handle=self.account.handle)
        return list(found["chats"])

    async def answer(self, who: Person, room_id: str, text: str, **body: Any) -> Any:
        """Answer in a chat."""
        path = {"handle": self.account.handle, "roomId": room_id}
        return await who.good("POST", f"{ONE}/answers", {"text": text, **body}, **path)

    async def ask(self, who: Person, method: str, template: str, room_id: str, body: Any = None) -> Any:
        """One request about a chat, whatever comes of it."""
        return await who.ask(method, template, body, handle=self.account.handle, roomId=room_id)


async def desk(tea: World) -> tuple[Desk, Person]:
    """An account with an owner and an editor, and a reader who has not written yet."""
    account, reader = await newsroom(tea)
    editor = await tea.person("editor")
    path = {"handle": account.handle, "userId": editor.user_id}
    await account.owner.good("PUT", f"{ACCOUNT}/staff/{{userId}}", {"role": "editor"}, **path)
    return Desk(account, account.owner, editor), reader


async def opened(reader: Person, handle: str = "daily") -> str:
    """Open a side chat; its room."""
    return str((await reader.good("POST", CHAT, handle=handle))["room_id"])


async def errands_run(tea: World) -> None:
    """Wait until accounts have nothing left to do, and everybody has heard of it."""
    async with asyncio.timeout(LIMIT_S):
        while await tea.database.fetch_one("SELECT 1 FROM chat_errands"):
            await asyncio.sleep(0)
        async with tea.database.transaction():
            pass


def said(answer: Any, room_id: str) -> list[tuple[str, str]]:
    """Sender and words of every message of a joined room in a sync answer."""
    events = answer.get("rooms", {}).get("join", {}).get(room_id, {}).get("timeline", {}).get("events", [])
    return [
        (event["sender"], event["content"].get("body", "")) for event in events if event["type"] == "m.room.message"
    ]


async def state_of(reader: Person, room_id: str) -> dict[tuple[str, str], Any]:
    """A room's state by type and key."""
    found = await reader.good("GET", "/rooms/{roomId}/state", roomId=room_id)
    return {(event["type"], event["state_key"]): event["content"] for event in found}
