"""Every way out of the server by which something of a room may reach somebody."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from teahouse.http.messages import Route
from tests.world import Answer, Person

V3 = "/_matrix/client/v3"
V1 = "/_matrix/client/v1"


@dataclass
class Visit:
    """Somebody at a door of a room: with event ids to ask for, and the tokens of earlier syncs."""

    person: Person
    room_id: str
    event_ids: Sequence[str] = ()
    tokens: Sequence[str] = field(default_factory=list)


Open = Callable[[Visit], AsyncIterator[str]]  # what comes out, as text


@dataclass(frozen=True)
class Door:
    """An endpoint that shows something, how to go through it, and what guards it (for the planted holes)."""

    open: Open
    guard: str


def text(answer: Answer) -> str:
    """What a response shows; refusals speak of the request alone."""
    return json.dumps(answer.json) if answer.status == 200 else ""


def room_door(template: str, guard: str, *queries: Mapping[str, object], event_type: str = "m.room.name") -> Door:
    """A door with the room in its path, and an event or a state key where the path has one."""

    async def go(visit: Visit) -> AsyncIterator[str]:
        path = {
            "roomId": visit.room_id, "eventType": event_type, "relType": "m.thread",
            "stateKey": visit.person.user_id if event_type == "m.room.member" else "",
        }  # fmt: skip
        for event_id in visit.event_ids if "{eventId}" in template else [""]:
            for query in queries or ({},):
                yield text(await visit.person.ask("GET", template, None, query, **path, eventId=event_id))

    return Door(go, guard)


async def sync(visit: Visit) -> AsyncIterator[str]:
    """Sync in all its shapes; of each answer the part about the room."""
    limits = {"timeline": {"limit": 100}, "include_leave": True}
    lazy = {"timeline": {"limit": 3}, "include_leave": True, "state": {"lazy_load_members": True}}
    for since in (None, *visit.tokens):
        for room_filter in (limits, lazy):
            for more in ({}, {"full_state": True}, {"use_state_after": True}):
                answer = await visit.person.sync(since, filter={"room": room_filter}, **more)
                for section in answer.get("rooms", {}).values():
                    yield json.dumps(section.get(visit.room_id, {}))


async def joined_rooms(visit: Visit) -> AsyncIterator[str]:
    """The reader's rooms: in one of them they are a member."""
    rooms = (await visit.person.good("GET", "/joined_rooms"))["joined_rooms"]
    yield "mark-0-joined" if visit.room_id in rooms else ""


def public_rooms(method: str) -> Open:
    """The directory's entry of the room."""

    async def go(visit: Visit) -> AsyncIterator[str]:
        answer = await visit.person.good(method, "/publicRooms", {} if method == "POST" else None)
        for room in answer["chunk"]:
            if room["room_id"] == visit.room_id:
                yield json.dumps(room)

    return go


ROOM = f"{V3}/rooms/{{roomId}}"
RELATIONS = f"{V1}/rooms/{{roomId}}/relations/{{eventId}}"
PAGES = ({"dir": "b", "limit": 100}, {"dir": "f", "limit": 100}, {"dir": "b", "filter": {"lazy_load_members": True}})
DOORS: Mapping[str, Door] = {
    f"GET {ROOM}/messages": room_door(f"{ROOM}/messages", "window", *PAGES),
    f"GET {ROOM}/context/{{eventId}}": room_door(f"{ROOM}/context/{{eventId}}", "window", {"limit": 20}),
    f"GET {ROOM}/event/{{eventId}}": room_door(f"{ROOM}/event/{{eventId}}", "window"),
    f"GET {RELATIONS}": room_door(RELATIONS, "window", {"recurse": True}),
    f"GET {RELATIONS}/{{relType}}": room_door(f"{RELATIONS}/{{relType}}", "window"),
    f"GET {RELATIONS}/{{relType}}/{{eventType}}": room_door(
        f"{RELATIONS}/{{relType}}/{{eventType}}", "window", event_type="m.room.message"
    ),
    f"GET {V1}/rooms/{{roomId}}/threads": room_door(f"{V1}/rooms/{{roomId}}/threads", "window"),
    f"GET {ROOM}/state": room_door(f"{ROOM}/state", "places"),
    f"GET {ROOM}/state/{{eventType}}": room_door(f"{ROOM}/state/{{eventType}}", "places"),
    f"GET {ROOM}/state/{{eventType}}/{{stateKey}}": room_door(f"{ROOM}/state/{{eventType}}/{{stateKey}}", "places"),
    f"GET {ROOM}/members": room_door(f"{ROOM}/members", "places", {}, {"membership": "leave"}),
    f"GET {ROOM}/joined_members": room_door(f"{ROOM}/joined_members", "places"),
    f"GET {ROOM}/aliases": room_door(f"{ROOM}/aliases", "places"),
    f"GET {V3}/sync": Door(sync, "window"),
    f"GET {V3}/joined_rooms": Door(joined_rooms, "places"),
    f"GET {V3}/publicRooms": Door(public_rooms("GET"), "listed"),
    f"POST {V3}/publicRooms": Door(public_rooms("POST"), "listed"),
}
# These show nothing of a room's events, members or state.
WRITES = re.compile(r"(PUT|POST|DELETE) (?!.*(search|context|publicRooms))")
CLOSED = re.compile(
    r"GET (/|/setup|/\.well-known/.*|/_matrix/client/versions|/_matrix/federation/v1/version"
    r"|/_teahouse/v1/openapi\.json"
    r"|/_teahouse/v1/contacts(/requests)?"  # friends and greetings, each one's own
    # Moments: tests/moments/test_audiences.py goes through every one of them.
    r"|/_teahouse/v1/moments(/.*)?"
    # What is public, as pages and as data.
    r"|/@\{handle\}(/follow|/\{number\}(/history)?|/feed\.\{kind\}|/qr\.svg|/follow\.svg)?|/tag/\{tag\}(/feed\.\{kind\})?"
    r"|/explore|/latest|/oembed|/feed\.\{kind\}|/sitemap\.xml|/sitemap/\{kind\}/\{page\}|/robots\.txt|/favicon\.svg"
    r"|/mail/\{handle\}(/confirm|/leave)?|/media/\{mediaId\}/\{name\}"
    r"|/_teahouse/v1/accounts(/\{handle\}(/staff|/mail|/posts(/\{number\}(/versions|/comments)?)?)?)?"
    r"|/_teahouse/v1/(quotas|my/(accounts|follows|mutes|blocks|feed)|accounts/\{handle\}/(mirror|imports(/\{importId\})?))"
    r"|/_teahouse/v1/(feed(/newer)?|public|tags/\{tag\}|search/posts|mentions|trending(/pauses)?)"
    r"|/_teahouse/v1/accounts/\{handle\}/(badge|tokens|posts/\{number\}/reposts)"
    # For an account's staff, and the operator's.
    r"|/_teahouse/v1/accounts/\{handle\}/(posts/\{number\}/)?analytics(/posts)?(\.csv)?"
    r"|/_teahouse/v1/staff/(badges(/\{requestId\}(/evidence/\{documentId\})?)?|accounts/\{handle\}/lookalikes)"
    # Side chats, for their reader and the account's staff: tests/sidechats.
    r"|/_teahouse/v1/accounts/\{handle\}/(chat|chats(/\{roomId\}/messages)?|chat_figures|chat_rules|canned_answers)"
    r"|/_teahouse/v1/accounts/\{handle\}/(topics|follow/topics|blocked|drafts(/\{draftId\})?)"
    r"|/_matrix/client/v3/(login|capabilities|register/available|account/\w+|auth/\{authType\}/fallback/web"
    r"|devices(/\{deviceId\})?|profile/\{userId\}(/\{keyName\})?|presence/\{userId\}/status|keys/changes"
    r"|pushrules/.*|room_keys/.*|user/\{userId\}/.*"  # each one's own
    r"|directory/room/\{roomAlias\}|directory/list/room/\{roomId\})"  # whoever has the name gets the id
    r"|/_matrix/client/v1/(register/.*|auth_metadata|media/.*)|/_matrix/media/.*|/_matrix/static/client/login/)"
)


def unknown(routes: Sequence[Route]) -> list[str]:
    """Endpoints of which nobody has said whether they show anything of a room."""
    names = [f"{route.method} {route.template}" for route in routes]
    return [name for name in names if name not in DOORS and not CLOSED.fullmatch(name) and not WRITES.match(name)]
