"""People who go on talking while their server dies, and remember what it acknowledged."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import httpx

from tests.serving import ServedTeahouse

RETRY_S = 0.05
ASK_LIMIT_S = 10.0


class Talker:
    """One sender: each message is repeated with its transaction id until it is acknowledged."""

    def __init__(self, server: ServedTeahouse, name: str) -> None:
        self._server = server
        self.name = name
        self.token = ""
        self.acknowledged: list[str] = []
        self.repeated: dict[int, set[str]] = {}

    async def ask(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """An answer, however often the server has to be asked; a refusal is a failure of the test."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        while True:
            try:
                async with httpx.AsyncClient(timeout=ASK_LIMIT_S) as client:
                    answer = await client.request(
                        method, f"{self._server.url}{path}", json=body, headers=headers, params=query
                    )
            except httpx.TransportError:
                await asyncio.sleep(RETRY_S)
                continue
            if answer.status_code in (500, 503):  # the store is gone; the server is about to be
                await asyncio.sleep(RETRY_S)
                continue
            assert answer.status_code == 200, answer.text
            return answer.json()

    async def enter(self) -> None:
        """Make an account and sign in."""
        body = {"username": self.name, "password": "correct horse", "auth": {"type": "m.login.dummy"}}
        self.token = (await self.ask("POST", "/_matrix/client/v3/register", body))["access_token"]

    async def talk(self, room_id: str, until: asyncio.Event) -> None:
        """Say one message after the other."""
        number = 0
        while not until.is_set():
            body = {"msgtype": "m.text", "body": f"{self.name} {number}"}
            path = f"/_matrix/client/v3/rooms/{room_id}/send/m.room.message/{self.name}-{number}"
            event_id = (await self.ask("PUT", path, body))["event_id"]
            assert (await self.ask("PUT", path, body))["event_id"] == event_id  # a retry is answered as before
            self.acknowledged.append(event_id)
            number += 1

    async def listen(self, room_id: str, until: asyncio.Event) -> list[str]:
        """Every message seen through sync, from tokens given out by servers that have died since."""
        heard: list[str] = []
        since = ""
        room_filter = json.dumps({"room": {"timeline": {"limit": 1000}}})
        while True:
            last_round = until.is_set()
            query = {"since": since, "timeout": "200"} if since else {}
            answer = await self.ask("GET", "/_matrix/client/v3/sync", None, filter=room_filter, **query)
            section = answer.get("rooms", {}).get("join", {}).get(room_id, {}).get("timeline", {"events": []})
            assert not since or not section.get("limited"), "a gap"
            heard += messages(section["events"])
            since = answer["next_batch"]
            if last_round:
                return heard


def messages(events: Sequence[dict[str, Any]]) -> list[str]:
    """The ids of the messages among events."""
    return [event["event_id"] for event in events if event["type"] == "m.room.message"]


async def history(talker: Talker, room_id: str) -> list[dict[str, Any]]:
    """The whole room, oldest first."""
    events: list[dict[str, Any]] = []
    query = {"dir": "f", "limit": "500"}
    path = f"/_matrix/client/v3/rooms/{room_id}/messages"
    while True:
        page = await talker.ask("GET", path, None, **query)
        events += page["chunk"]
        if not page["chunk"]:
            return events
        query["from"] = page["end"]
