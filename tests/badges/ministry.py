"""An account that asks for a badge, and the operator's staff who decide, for tests."""

from __future__ import annotations

import base64
from typing import Any

from tests.public_accounts.newsroom import ACCOUNT, Account, newsroom
from tests.world import Person, World

BADGE = f"{ACCOUNT}/badge"
STAFF = "/_teahouse/v1/staff"
WISH = f"{STAFF}/badges/{{requestId}}"
VERDICT = f"{WISH}/verdict"
DAY_MS = 86_400_000
PAPER = b"%PDF extract of the register: secret-paper"


async def staff_member(tea: World, name: str) -> Person:
    """One of the operator's staff."""
    person = await tea.person(name)
    async with tea.database.transaction() as tx:
        await tx.execute("UPDATE users SET admin = 1 WHERE user_no = ?", person.user_no)
    return person


async def wished(account: Account, way: str = "evidence", domain: str = "") -> str:
    """Ask for a badge; the request's id. With evidence a document goes along."""
    body = {"way": way, "domain": domain}
    wish = await account.owner.good("POST", f"{BADGE}/request", body, handle=account.handle)
    if way == "evidence":
        await send(account)
    return str(wish["request_id"])


async def send(account: Account, content: bytes = PAPER) -> Any:
    """Send a document."""
    body = {"name": "register-secret.pdf", "content": base64.b64encode(content).decode()}
    return await account.owner.good("POST", f"{BADGE}/evidence", body, handle=account.handle)


async def verified(tea: World, handle: str = "daily") -> tuple[Account, list[Person]]:
    """An account with a badge, and the two who gave it."""
    account, _ = await newsroom(tea, handle)
    staff = [await staff_member(tea, f"{name}-{handle}") for name in ("first", "second")]
    request_id = await wished(account)
    for person in staff:
        await person.good("PUT", VERDICT, {"granted": True}, requestId=request_id)
    return account, staff


async def shows(tea: World, account: Account) -> tuple[str, str, str]:
    """The badge as the account's reply, its user's profile and its channel show it; '' where none is."""
    reader = account.owner
    shown = await reader.good("GET", ACCOUNT, handle=account.handle)
    profile = await reader.good("GET", "/profile/{userId}", userId=account.user_id)
    template = "/rooms/{roomId}/state/io.teahouse.badge/"
    state = await reader.ask("GET", template, roomId=account.room_id)
    content = state.json if state.status == 200 else {}
    return shown["verified"], profile.get("io.teahouse.verified", {}).get("kind", ""), content.get("kind", "")
