"""Going through all doors notices when the guard of one is taken away: each door that could show moments, in turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from teahouse.eventlog.state import RoomState
from teahouse.moments import deeds_store, service
from teahouse.rooms.types import ALL, Place, Reader, Window
from tests.moments.doors import MARK, Looking, doors, through
from tests.moments.test_deeds import say
from tests.moments.test_media import upload
from tests.moments.town import befriend, publish, put_on, room_of, town, unfriend
from tests.world import World

V3 = "GET /_matrix/client/v3"
MEDIA = "GET /_matrix/client/v1/media/download/{serverName}/{mediaId}"
OLDER_MEDIA = "GET /_matrix/media/v3/download/{serverName}/{mediaId}"
OURS = "GET /_teahouse/v1/moments"
GUARDS = {
    f"{V3}/rooms/{{roomId}}/messages": "window",
    f"{V3}/rooms/{{roomId}}/context/{{eventId}}": "window",
    f"{V3}/rooms/{{roomId}}/event/{{eventId}}": "window",
    f"{V3}/sync": "window",
    f"{V3}/rooms/{{roomId}}/state": "places",
    f"{V3}/rooms/{{roomId}}/state/{{eventType}}": "places",
    f"{V3}/rooms/{{roomId}}/state/{{eventType}}/{{stateKey}}": "places",
    OURS: "judged", f"{OURS}/of/{{userId}}": "judged", f"{OURS}/{{momentId}}": "judged",
    f"{OURS}/{{momentId}}/comments": "deeds", f"{OURS}/notices": "deeds",
    MEDIA: "judged", f"{MEDIA}/{{fileName}}": "judged",
    OLDER_MEDIA: "judged", f"{OLDER_MEDIA}/{{fileName}}": "judged",
}  # fmt: skip
TOPIC = "moments, for friends"  # what a moments room says of itself: nothing of it is for strangers
ANYBODY = "(CAST(? AS BIGINT) >= 0 AND CAST(? AS BIGINT) >= 0 AND CAST(? AS BIGINT) >= 0)"


def without_window(tea: World, patch: pytest.MonkeyPatch) -> None:
    real = tea.app.readership.window

    async def window(reader: Reader, state: RoomState) -> Window:
        return Window(ALL, (await real(reader, state)).memberships)

    patch.setattr(tea.app.readership, "window", window)


def without_places(tea: World, patch: pytest.MonkeyPatch) -> None:
    async def places(reader: Reader) -> Mapping[int, Place]:
        rows = await tea.database.fetch("SELECT room_no FROM rooms LIMIT 100")
        return {room_no: Place(room_no, "join", 1, reader.user_no) for (room_no,) in rows}

    patch.setattr(tea.app.readership, "places", places)


def without_judgement(tea: World, patch: pytest.MonkeyPatch) -> None:
    def everybody(*_: Any) -> bool:
        return True

    patch.setattr(service, "may_see", everybody)


def without_deeds(tea: World, patch: pytest.MonkeyPatch) -> None:
    opened = deeds_store.NOTICES.replace(deeds_store.SEEN.replace("d.user_no", "n.doer_no"), ANYBODY)
    opened = opened.replace(deeds_store.PARENT_SEEN, f"(n.comment_no >= 0 OR {ANYBODY})")
    patch.setattr(deeds_store, "NOTICES", opened)
    patch.setattr(deeds_store, "SEEN", ANYBODY)
    patch.setattr(deeds_store, "PARENT_SEEN", ANYBODY)


PLANTS: Mapping[str, Callable[[World, pytest.MonkeyPatch], None]] = {
    "window": without_window, "places": without_places, "judged": without_judgement, "deeds": without_deeds,
}  # fmt: skip


async def street(tea: World) -> list[tuple[Looking, set[str], bool]]:
    """People who look, with the marks that are for each, and whether the room is."""
    alice, bob, carol, erin, frank = await town(tea, "alice", "bob", "carol", "erin", "frank")
    dave = await tea.person("dave")
    await unfriend(bob, erin)
    uri = await upload(alice, b'"mark-3-"')
    ids = [
        await publish(alice, "mark-1-"),
        await publish(alice, "mark-2-", "some", carol),
        await publish(alice, "mark-3-", "self", media=[{"url": uri, "mimetype": "image/png"}]),
    ]
    await say(erin, ids[0], "mark-4-")  # for alice, carol and frank, not for bob
    await say(frank, ids[0], "mark-5-")
    tokens = {person.user_id: [(await person.sync())["next_batch"]] for person in (alice, bob, carol, dave, frank)}
    await unfriend(alice, frank)
    await put_on(alice, "hidden", carol)
    room = await room_of(alice)
    rows = await tea.database.fetch("SELECT pos FROM moments ORDER BY pos")
    assert len(rows) == len(ids)
    seen = [
        (alice, {"mark-1-", "mark-2-", "mark-3-", "mark-4-"}, True), (bob, {"mark-1-"}, True), (carol, set(), True),
        (dave, set(), False), (frank, set(), False),
    ]  # fmt: skip
    return [
        (
            Looking(person, [room], ids, [alice.user_id], [uri.rpartition("/")[2]], tokens[person.user_id]),
            marks,
            inside,
        )
        for person, marks, inside in seen
    ]


async def leaking(tea: World, people: list[tuple[Looking, set[str], bool]], names: set[str] | None = None) -> set[str]:
    """The doors by which something comes out that should not."""
    found = set()
    for route in doors(tea.app.http.router.routes):
        name = f"{route.method} {route.template}"
        if names is not None and name not in names:
            continue
        for looking, allowed, inside in people:
            async for shown in through(looking, route):
                if set(MARK.findall(shown)) - allowed or (not inside and TOPIC in shown):
                    found.add(name)
    return found


async def test_a_hole_in_any_door_is_noticed(tea: World) -> None:
    people = await street(tea)
    assert await leaking(tea, people) == set()
    for guard, plant in PLANTS.items():
        guarded = {name for name, by in GUARDS.items() if by == guard}
        with pytest.MonkeyPatch.context() as patch:
            plant(tea, patch)
            assert guarded - await leaking(tea, people, guarded) == set(), guard
    assert await leaking(tea, people) == set()


async def test_every_door_that_could_show_moments_has_its_guard_here(tea: World) -> None:
    people = await street(tea)
    with pytest.MonkeyPatch.context() as patch:
        for plant in PLANTS.values():
            plant(tea, patch)
        opened = await leaking(tea, people)
    assert opened <= set(GUARDS), opened - set(GUARDS)
    assert {name for name in GUARDS if name.startswith(OURS)} <= opened


async def test_friends_of_friends_are_no_friends(tea: World) -> None:
    alice, bob = await town(tea, "alice", "bob")
    carol = await tea.person("carol")
    await befriend(tea, bob, carol)
    await publish(alice, "mark-1-")
    looking = Looking(carol, [await room_of(alice)], [], [alice.user_id, bob.user_id])
    assert await leaking(tea, [(looking, set(), False)]) == set()
