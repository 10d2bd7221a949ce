"""People who go on talking while their server dies, and remember what it acknowledged."""

import asyncio
import copy
import json
from collections.abc import Sequence
from typing import Any

import httpx

from tests.serving import ServedTeahouse
from tests.sync.client import Client

RETRY_S = 0.05
ASK_LIMIT_S = 10.0
LOOK_MS = 200
LAST_LOOK_MS = 1_500  # receipts of a small room are shown a second after they came
TIMELINE_MAX = 1_000
LOOKS_BETWEEN_KEPT = 15
KEPT_MAX = 12


class Talker:
    """One sender: each message is repeated with its transaction id until it is acknowledged."""

    def __init__(self, server: ServedTeahouse, name: str) -> None:
        self._server = server
        self.name = name
        self.token = ""
        self.acknowledged: list[str] = []
        self._client = httpx.AsyncClient(timeout=ASK_LIMIT_S, verify=False)

    async def go_home(self) -> None:
        """Let go of the connection."""
        await self._client.aclose()

    async def ask(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """An answer, however often the server has to be asked; a refusal is a failure of the test."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        while True:
            try:
                answer = await self._client.request(
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
        """Say one message after the other, and have read it."""
        number = 0
        room = f"/_matrix/client/v3/rooms/{room_id}"
        while not until.is_set():
            body = {"msgtype": "m.text", "body": f"{self.name} {number}"}
            path = f"{room}/send/m.room.message/{self.name}-{number}"
            event_id = (await self.ask("PUT", path, body))["event_id"]
            assert (await self.ask("PUT", path, body))["event_id"] == event_id  # a retry is answered as before
            self.acknowledged.append(event_id)
            await self.ask("POST", f"{room}/receipt/m.read/{event_id}", {})
            number += 1


class Listener:
    """One device that follows a room through sync, by tokens from servers that have died since."""

    def __init__(self, talker: Talker, room_id: str) -> None:
        self._talker = talker
        self._room_id = room_id
        self.heard: list[str] = []
        self.now = view()
        self.earlier: list[Client] = []  # what it knew at some moments before

    async def listen(self, until: asyncio.Event) -> None:
        """Follow until told, and then until there is nothing new: receipts come a second late."""
        looks = 0
        while True:
            last_round = until.is_set()
            answer = await self._look(self.now, LAST_LOOK_MS if last_round else LOOK_MS)
            section = answer.get("rooms", {}).get("join", {}).get(self._room_id, {})
            timeline = section.get("timeline", {"events": []})
            assert looks == 0 or not timeline.get("limited"), "a gap"
            self.heard += messages(timeline["events"])
            looks += 1
            if looks % LOOKS_BETWEEN_KEPT == 1 and len(self.earlier) < KEPT_MAX:
                self.earlier.append(copy.deepcopy(self.now))
            if last_round and not answer.get("rooms"):
                return

    async def check_old_tokens(self) -> None:
        """Each view kept earlier, with one sync from its token, knows what a fresh one knows."""
        fresh = view()
        await self._look(fresh, 0)
        for old in [*self.earlier, self.now]:
            await self._look(old, 0)
            assert old.sections == fresh.sections
            assert old.account_data == fresh.account_data
            mine, theirs = old.rooms[self._room_id], fresh.rooms[self._room_id]
            assert (mine.state, mine.receipts) == (theirs.state, theirs.receipts)
            assert (mine.unread, mine.summary) == (theirs.unread, theirs.summary)
            shorter, longer = sorted((mine.timeline, theirs.timeline), key=len)
            assert shorter == longer[-len(shorter) :]

    async def _look(self, known: Client, timeout_ms: int) -> Any:
        query = {name: json.dumps(value) for name, value in known.query(TIMELINE_MAX).items()}
        if known.since is not None:
            query |= {"since": known.since, "timeout": str(timeout_ms)}
        answer = await self._talker.ask("GET", "/_matrix/client/v3/sync", None, **query)
        known.apply(answer)
        return answer


def view() -> Client:
    """A device that knows nothing yet."""
    return Client(lazy=False, state_after=None, threads=False)


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
