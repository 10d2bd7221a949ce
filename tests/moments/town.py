"""Friends with moments, for tests."""

from __future__ import annotations

import itertools
from typing import Any

from teahouse.contacts import store as contacts_store
from tests.world import Person, World

MOMENTS = "/_teahouse/v1/moments"
MOMENT = f"{MOMENTS}/{{momentId}}"
LIST = f"{MOMENTS}/lists/{{list}}/{{userId}}"
CONTACT = "/_teahouse/v1/contacts/{userId}"


async def befriend(world: World, *people: Person) -> None:
    """Make everybody everybody's friend, as accepted greetings do."""
    for one, other in itertools.combinations(people, 2):
        async with world.app.database.transaction() as tx:
            await contacts_store.greet(tx, other.user_no, one.user_no, 0, 0, "")
            await world.app.contacts.accepted(tx, one.user_no, other.user_no)


async def unfriend(one: Person, other: Person) -> None:
    """End a friendship."""
    await one.good("DELETE", CONTACT, userId=other.user_id)


async def town(world: World, *names: str) -> list[Person]:
    """So many people, all of them friends."""
    people = [await world.person(name) for name in names]
    await befriend(world, *people)
    return people


def audience(scope: str = "friends", *users: Person) -> dict[str, Any]:
    """Whom a moment is for."""
    return {"scope": scope, "users": [user.user_id for user in users]}


async def publish(author: Person, text: str = "Tea.", scope: str = "friends", *users: Person, **content: Any) -> str:
    """Publish a moment; its id."""
    body = {"content": {"text": text, **content}, "audience": audience(scope, *users)}
    return str((await author.good("POST", MOMENTS, body))["moment_id"])


async def show_to(author: Person, moment_id: str, scope: str, *users: Person) -> None:
    """Change whom a moment is for."""
    await author.good("PUT", f"{MOMENT}/audience", audience(scope, *users), momentId=moment_id)


async def feed(reader: Person, **query: Any) -> list[str]:
    """What somebody's feed says, newest first."""
    page = await reader.good("GET", MOMENTS, None, query)
    return [moment["content"].get("text", "") for moment in page["moments"]]


async def room_of(author: Person) -> str:
    """The room of somebody's moments."""
    return str((await author.good("GET", f"{MOMENTS}/settings"))["room_id"])


def joined(answer: Any, room_id: str) -> Any:
    """What a sync answer says of a joined room."""
    return answer.get("rooms", {}).get("join", {}).get(room_id)


def texts(answer: Any, room_id: str) -> list[str]:
    """The messages of a joined room in a sync answer, oldest first."""
    room = joined(answer, room_id) or {}
    events = room.get("timeline", {}).get("events", [])
    return [event["content"].get("body", "") for event in events if event["type"] == "m.room.message"]


async def put_on(user: Person, name: str, other: Person) -> None:
    """Put somebody on a list."""
    await user.good("PUT", LIST, list=name, userId=other.user_id)


async def take_off(user: Person, name: str, other: Person) -> None:
    """Take somebody off a list."""
    await user.good("DELETE", LIST, list=name, userId=other.user_id)


async def look_back(author: Person, days: int) -> None:
    """Let friends see so many days back."""
    await author.good("PUT", f"{MOMENTS}/settings", {"days": days})
