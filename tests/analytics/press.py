"""Readers who meet an account's posts by every way there is, for tests."""

from __future__ import annotations

import json
from typing import Any

from tests.public_accounts.newsroom import ACCOUNT, POST, Account
from tests.world import Person, World

ANALYTICS = f"{ACCOUNT}/analytics"
OF_POST = f"{POST}/analytics"


async def crowd(tea: World, account: Account, many: int, name: str = "r") -> list[Person]:
    """New followers of an account."""
    people = [await tea.person(f"{name}{number}") for number in range(many)]
    for person in people:
        await person.join(account.room_id)
    return people


async def mark(person: Person, account: Account, event_id: str, kind: str = "m.read") -> None:
    """Read a channel up to an event."""
    path = {"roomId": account.room_id, "kind": kind, "eventId": event_id}
    await person.good("POST", "/rooms/{roomId}/receipt/{kind}/{eventId}", {}, **path)


async def visit(tea: World, path: str, address: str) -> int:
    """Open a page in a browser at an address; the status."""
    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": [],
        "client": (address, 1),
    }  # fmt: skip
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await tea.app.http(scope, receive, send)
    return int(sent[0]["status"])


async def report(account: Account, who: Person | None = None, **query: Any) -> Any:
    """An account's figures, once everything is written."""
    await account.owner.world.app.readings.write()
    return await (who or account.owner).good("GET", ANALYTICS, None, query, handle=account.handle)


async def of_post(account: Account, number: int) -> Any:
    """One post's figures."""
    await account.owner.world.app.readings.write()
    return await account.owner.good("GET", OF_POST, handle=account.handle, number=str(number))


def read(impressions: Any = "<5", opens: Any = "<5", visits: Any = "<5") -> dict[str, Any]:
    """Counts as the API tells them."""
    return {"impressions": impressions, "opens": opens, "visits": visits}


def plain(value: Any) -> str:
    """Anything as text to look into."""
    return json.dumps(value, ensure_ascii=False)
