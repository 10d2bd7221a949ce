"""A posting token opens its account's posts within its scopes, and nothing else of this server."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import pytest

from teahouse.http.app import HttpApp
from teahouse.http.messages import Auth, Request, Response
from teahouse.public_accounts.tokens import TOKENS_MAX
from tests.public_accounts.newsroom import ACCOUNT, POST, POSTS, Account, newsroom, opened
from tests.world import Answer, World

TOKENS = f"{ACCOUNT}/tokens"
STAFF = f"{ACCOUNT}/staff/{{userId}}"
DAY_MS = 86_400_000
ALL = ["publish", "edit", "delete", "analytics"]


@dataclass
class Program:
    """Something that holds a token."""

    tea: World
    token: str

    async def ask(self, method: str, template: str, body: Any = None, **path: str) -> Answer:
        """One request of it."""
        return await self.tea.ask(self.token, method, template, body, None, **path)


async def program(tea: World, account: Account, scopes: list[str] = ALL, days: int = 0) -> tuple[Program, str]:
    """A program with a new token, and the token's id."""
    body = {"name": "the press", "scopes": scopes, "days": days}
    made = await account.owner.good("POST", TOKENS, body, handle=account.handle)
    return Program(tea, made["token"]), made["token_id"]


async def test_a_program_publishes_edits_and_deletes_as_its_maker(tea: World) -> None:
    account, reader = await newsroom(tea)
    press, _ = await program(tea, account)
    made = await press.ask("POST", POSTS, {"content": {"text": "by a program"}, "txn_id": "1"}, handle="daily")
    again = await press.ask("POST", POSTS, {"content": {"text": "by a program"}, "txn_id": "1"}, handle="daily")
    assert (made.status, made.json["number"], again.json["number"]) == (200, 1, 1)
    assert (await account.post(1))["author"] == account.owner.user_id
    edited = await press.ask("PUT", POST, {"content": {"text": "better"}}, handle="daily", number="1")
    assert (edited.status, edited.json["content"]["text"]) == (200, "better")
    gone = await press.ask("DELETE", POST, handle="daily", number="1")
    assert gone.status == 200
    assert (await reader.good("GET", POST, handle="daily", number="1"))["state"] == "deleted"


async def test_two_programs_may_use_the_same_transaction_ids(tea: World) -> None:
    account, _ = await newsroom(tea)
    numbers = []
    for _ in range(2):
        press, _ = await program(tea, account)
        made = await press.ask("POST", POSTS, {"content": {"text": "mine"}, "txn_id": "1"}, handle="daily")
        numbers.append(made.json["number"])
    assert numbers == [1, 2]


@pytest.mark.parametrize("scope", ALL)
async def test_a_scope_opens_what_it_names_alone(tea: World, scope: str) -> None:
    account, _ = await newsroom(tea)
    await account.publish()
    press, _ = await program(tea, account, [scope])
    answers = {
        "publish": await press.ask("POST", POSTS, {"content": {"text": "x"}}, handle="daily"),
        "edit": await press.ask("PUT", POST, {"content": {"text": "y"}}, handle="daily", number="1"),
        "delete": await press.ask("DELETE", POST, handle="daily", number="1"),
    }
    assert {name: answer.status for name, answer in answers.items()} == {
        name: 200 if name == scope else 403 for name in answers
    }
    assert all(scope in answer.json["error"] or name in answer.json["error"]
               for name, answer in answers.items() if answer.status == 403)  # fmt: skip


async def test_every_other_door_of_the_server_stays_shut(tea: World) -> None:
    """Every route of the router, asked with a token of every scope: nobody is let in but by a scope of the account."""
    account, _ = await newsroom(tea)
    press, _ = await program(tea, account)
    seen: list[Request] = []

    async def record(request: Request) -> Response:
        seen.append(request)
        return Response()

    routes = [replace(route, handler=record, waits=False, streamed=False) for route in tea.app.http.router.routes]
    inner = tea.app.http
    tea.app.http = HttpApp(routes, inner._authenticator, inner._limiter, inner._address)
    opened_by_scope = 0
    for route in routes:
        for handle in ("daily", "weekly"):
            seen.clear()
            filled = re.sub(r"\{\w+\*?\}", "1", route.template.replace("{handle}", handle))
            status = await asked(tea, press.token, route.method, filled)
            if route.scope and handle == "daily":
                assert (status, seen[0].requester.user_id) == (200, account.owner.user_id), route.template
                assert not seen[0].requester.admin
                opened_by_scope += 1
            elif route.auth is Auth.REQUIRED or route.scope:
                assert (status, seen) == (403, []), f"{route.method} {route.template}"
            else:
                assert (status, [each.requester_or_none for each in seen]) == (200, [None]), route.template
    assert opened_by_scope >= 3
    tea.app.http = inner


async def asked(tea: World, token: str, method: str, path: str) -> int:
    """The status of one request."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"",
        "headers": [(b"authorization", f"Bearer {token}".encode())], "client": ("127.0.0.1", 1),
    }  # fmt: skip
    await tea.app.http(scope, receive, send)
    return int(sent[0]["status"])


async def test_a_token_is_for_one_account(tea: World) -> None:
    account, _ = await newsroom(tea)
    await opened(account.owner, "weekly", name="Another")
    press, _ = await program(tea, account)
    refused = await press.ask("POST", POSTS, {"content": {"text": "x"}}, handle="weekly")
    assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")
    assert "@daily" in refused.json["error"]


async def test_a_token_ends_when_it_is_revoked_expires_or_its_maker_owns_the_account_no_more(tea: World) -> None:
    account, reader = await newsroom(tea)
    body = {"content": {"text": "x"}}
    press, token_id = await program(tea, account)
    await account.owner.good("DELETE", f"{TOKENS}/{{tokenId}}", handle="daily", tokenId=token_id)
    again = await account.owner.ask("DELETE", f"{TOKENS}/{{tokenId}}", handle="daily", tokenId=token_id)
    assert again.status == 404
    refused = await press.ask("POST", POSTS, body, handle="daily")
    assert (refused.status, refused.errcode) == (401, "M_UNKNOWN_TOKEN")

    press, _ = await program(tea, account, days=2)
    tea.clock.pass_ms(2 * DAY_MS - 1)
    assert (await press.ask("POST", POSTS, body, handle="daily")).status == 200
    tea.clock.pass_ms(1)
    assert (await press.ask("POST", POSTS, body, handle="daily")).status == 401

    await account.owner.good("PUT", STAFF, {"role": "owner"}, handle="daily", userId=reader.user_id)
    other = Account(reader, "daily", account.room_id, account.user_id)
    press, _ = await program(tea, other)
    assert (await press.ask("POST", POSTS, body, handle="daily")).status == 200
    await account.owner.good("PUT", STAFF, {"role": "analyst"}, handle="daily", userId=reader.user_id)
    assert (await press.ask("POST", POSTS, body, handle="daily")).status == 401
    await account.owner.good("PUT", STAFF, {"role": "owner"}, handle="daily", userId=reader.user_id)
    assert (await press.ask("POST", POSTS, body, handle="daily")).status == 401


async def test_secrets_are_shown_once_and_stored_as_hashes(tea: World) -> None:
    account, _ = await newsroom(tea)
    press, token_id = await program(tea, account, ["publish"])
    listed = (await account.owner.good("GET", TOKENS, handle="daily"))["tokens"]
    assert listed == [
        {"token_id": token_id, "name": "the press", "scopes": ["publish"], "maker": account.owner.user_id,
         "created_ts": tea.clock.now_ms()},
    ]  # fmt: skip
    rows = await tea.database.fetch("SELECT * FROM posting_tokens")
    assert press.token.encode() not in repr(rows).encode()


@pytest.mark.parametrize(
    "body",
    [{"name": "x", "scopes": []}, {"name": "x", "scopes": ["admin"]}, {"name": " ", "scopes": ["publish"]},
     {"name": "x" * 200, "scopes": ["publish"]}, {"name": "x", "scopes": ["publish"], "days": -1},
     {"name": "x", "scopes": ["publish"], "days": 100_000}, {"scopes": ["publish"]}],
)  # fmt: skip
async def test_a_token_that_makes_no_sense_is_refused(tea: World, body: Any) -> None:
    account, _ = await newsroom(tea)
    refused = await account.owner.ask("POST", TOKENS, body, handle="daily")
    assert refused.status in (400, 413)
    assert (await account.owner.good("GET", TOKENS, handle="daily"))["tokens"] == []


async def test_an_account_has_so_many_tokens_at_most(tea: World) -> None:
    account, _ = await newsroom(tea)
    for _ in range(TOKENS_MAX):
        await program(tea, account)
    refused = await account.owner.ask("POST", TOKENS, {"name": "x", "scopes": ["edit"]}, handle="daily")
    assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")
