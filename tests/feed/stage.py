"""People with personal accounts, for tests of the microblog."""

from __future__ import annotations

from typing import Any

from tests.public_accounts.newsroom import ACCOUNTS, FOLLOW, POST, POSTS, Account
from tests.world import Answer, Person, World

V1 = "/_teahouse/v1"
MY = f"{V1}/my"
FEED = f"{V1}/feed"
COMMENTS = f"{POST}/comments"


async def blogger(tea: World, name: str, **about: Any) -> Account:
    """A person with a personal account."""
    person = await tea.person(name)
    made = await person.good("POST", ACCOUNTS, {"handle": name, "kind": "person", "name": name.title(), **about})
    return Account(person, name, made["room_id"], made["user_id"])


async def follow(person: Person, *handles: str) -> None:
    """Follow some accounts."""
    for handle in handles:
        await person.good("PUT", FOLLOW, {}, handle=handle)


async def carry_on(account: Account, handle: str, number: int = 1, text: str = "") -> Answer:
    """Try to repost."""
    body = {"content": {"text": text, "repost": {"account": handle, "number": number}}}
    return await account.owner.ask("POST", POSTS, body, handle=account.handle)


async def comment(person: Person, handle: str, body: str = "Well.", answers_to: str = "", number: int = 1) -> Answer:
    """Try to comment."""
    wish = {"body": body, "answers_to": answers_to}
    return await person.ask("POST", COMMENTS, wish, handle=handle, number=str(number))


def places(page: Any) -> list[tuple[str, int]]:
    """The posts of a page: account and number."""
    return [(post["account"], post["number"]) for post in page["posts"]]
