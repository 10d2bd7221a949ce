"""What matrix-nio's own calls, and its own picture of a room, say: in the same words as js/questions.mjs says it."""

import json
from typing import Any

from nio import Api, AsyncClient, AsyncClientConfig, Event, PushRuleKind, SyncResponse
from nio.events.account_data import PushNotify
from nio.responses import ErrorResponse

PAGE_EVENTS = 10
DIRECTORY_ROOMS = 10
ARCHIVED = {"room": {"include_leave": True}}


class NoAnswer(Exception):
    """The server answered with an error."""

    def __init__(self, status: int, errcode: str, why: str) -> None:
        super().__init__(f"{status} {errcode}: {why}")
        self.refusal = [status, errcode]


def answered(response: Any) -> Any:
    if isinstance(response, ErrorResponse):
        raise NoAnswer(response.transport_response.status, response.status_code or "", response.message)
    return response


def described(event: Event) -> dict[str, Any]:
    source = event.source
    told = {key: source[key] for key in ("event_id", "type", "sender", "content", "state_key") if key in source}
    return told | {"membership": source.get("unsigned", {}).get("membership")}


class Memory:
    """What syncs showed, as far as nio itself does not keep it."""

    def __init__(self, user_id: str) -> None:
        self._user_id = user_id
        self.timelines: dict[str, list[Event]] = {}
        self.beginnings: dict[str, str] = {}  # where each timeline can be read on backwards
        self.own: dict[str, Event] = {}  # one's own membership in each room
        self.changed: set[str] = set()  # whose devices changed
        self.statuses: dict[str, str | None] = {}

    def take_in(self, response: SyncResponse) -> None:
        for room_id, room in (response.rooms.join | response.rooms.leave).items():
            if room.timeline.limited or room_id not in self.timelines:
                self.timelines[room_id], self.beginnings[room_id] = [], room.timeline.prev_batch
            self.timelines[room_id] += room.timeline.events
            for event in [*room.state, *room.timeline.events]:
                if event.source.get("type") == "m.room.member" and event.source.get("state_key") == self._user_id:
                    self.own[room_id] = event
        self.changed.update(response.device_list.changed)
        self.statuses |= {event.user_id: event.status_msg for event in response.presence_events}


class Questions:
    """Each method answers one question. Refusals are answers, too."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._memory = Memory(client.user_id)

    def take_in(self, response: SyncResponse) -> None:
        self._memory.take_in(response)

    async def ask(self, question: str, **arguments: Any) -> dict[str, Any]:
        try:
            return {"answer": await getattr(self, question)(**arguments)}
        except NoAnswer as refused:
            return {"refused": refused.refusal}

    # --- what the client shows

    async def room(self, room_id: str, afresh: bool = False) -> dict[str, Any]:
        """A room as the client has it, or as one that starts now has it."""
        if afresh:
            client, memory, _ = await self._begin()
        else:
            client, memory = self._client, self._memory
        room, own = client.rooms[room_id], memory.own[room_id]
        levels = room.power_levels.defaults
        return {
            "name": room.name,
            "joined": room.joined_count,
            "invited": room.invited_count,
            "heroes": (room.summary and room.summary.heroes) or [],
            "own": [own.source["content"]["membership"], own.source["content"].get("displayname"), own.event_id],
            "unread": [room.unread_notifications, room.unread_highlights],
            "version": room.room_version,
            "federate": room.federate,
            "join_rule": room.join_rule,
            "history": room.history_visibility,
            "encrypted": room.encrypted,
            "levels": [levels.events_default, levels.state_default, levels.invite, levels.kick, levels.redact],
            "users": room.power_levels.users,
            "may_send": [
                kind for kind in ("m.room.message", "m.reaction", "m.room.redaction")
                if room.power_levels.can_user_send_message(client.user_id, kind)
            ],
            "fully_read": room.fully_read_marker,
            "typing": room.typing_users,
        }  # fmt: skip

    async def read_by(self, room_id: str, user_id: str) -> str | None:
        """How far somebody has read, by what a client that starts now is told."""
        client, _, _ = await self._begin()
        room = client.rooms[room_id]
        receipts = [*room.threaded_read_receipts.get(user_id, {}).values(), room.read_receipts.get(user_id)]
        return next((receipt.event_id for receipt in receipts if receipt is not None), None)

    async def rooms(self) -> dict[str, str]:
        """Every room that a client which starts now lists, those that one left included."""
        _, memory, _ = await self._begin(sync_filter=ARCHIVED)
        return {room_id: event.source["content"]["membership"] for room_id, event in memory.own.items()}

    async def own(self, room_id: str) -> list[Any]:
        """One's membership as the client was told of it last, and by which event."""
        event = self._memory.own[room_id]
        return [event.source["content"]["membership"], event.event_id]

    async def timeline(self, room_id: str) -> list[dict[str, Any]]:
        return [described(event) for event in self._memory.timelines[room_id]]

    async def scrolled(self, room_id: str) -> list[dict[str, Any]]:
        """The timeline, read on backwards from where it began to the room's beginning."""
        events = list(self._memory.timelines[room_id])
        place: str | None = self._memory.beginnings[room_id]
        while place is not None:
            page = answered(await self._client.room_messages(room_id, start=place, limit=PAGE_EVENTS))
            events = [*reversed(page.chunk), *events]
            place = page.end
        return [described(event) for event in events]

    async def knows(self, user_id: str) -> dict[str, Any]:
        """What the client has of somebody else."""
        devices = [device.device_id for device in self._client.device_store.active_user_devices(user_id)]
        return {
            "rooms": sorted(room_id for room_id, room in self._client.rooms.items() if user_id in room.users),
            "devices": bool(devices),
            "changed": user_id in self._memory.changed,
            "status": self._memory.statuses.get(user_id),
        }

    # --- what its calls answer

    async def token(self) -> str:
        return self._client.next_batch

    async def since(self, room_id: str, token: str, full_state: bool = False) -> dict[str, Any]:
        """What a sync from an older place says of a room: where it stands, and one's own membership in it."""
        _, memory, response = await self._begin(since=token, full_state=full_state)
        sections = {"join": response.rooms.join, "leave": response.rooms.leave}
        own = memory.own.get(room_id)
        return {
            "sections": [name for name, rooms in sections.items() if room_id in rooms],
            "own": own and [own.source["content"]["membership"], own.event_id],
        }

    async def members(self, room_id: str, **query: str) -> dict[str, str]:
        """Who is in the member list, and how. nio has no call for it."""
        path = Api._build_path(["rooms", room_id, "members"], query)
        chunk = (await self._raw("GET", path))["chunk"]
        return {event["state_key"]: event["content"]["membership"] for event in chunk}

    async def joined_members(self, room_id: str) -> dict[str, str | None]:
        members = answered(await self._client.joined_members(room_id)).members
        return {member.user_id: member.display_name for member in members}

    async def member(self, room_id: str, user_id: str) -> dict[str, Any]:
        return answered(await self._client.room_get_state_event(room_id, "m.room.member", user_id)).content

    async def event(self, room_id: str, event_id: str) -> dict[str, Any]:
        source = answered(await self._client.room_get_event(room_id, event_id)).event.source
        return {key: source.get(key) for key in ("event_id", "type", "sender", "state_key", "origin_server_ts")}

    async def context(self, room_id: str, event_id: str) -> dict[str, Any]:
        """An event among its neighbours, with the members that came along."""
        page = answered(await self._client.room_context(room_id, event_id, limit=0))
        members = [each.source["state_key"] for each in page.state if each.source["type"] == "m.room.member"]
        return {"event_id": page.event.event_id, "members": sorted(members)}

    async def relations(self, room_id: str, event_id: str) -> list[str]:
        return [event.event_id async for event in self._client.room_get_event_relations(room_id, event_id)]

    async def directory(self, term: str) -> list[dict[str, Any]]:
        page = answered(await self._client.list_public_rooms(limit=DIRECTORY_ROOMS, filter_generic_search_term=term))
        return [
            {"room_id": room.room_id, "joined": room.num_joined_members, "join_rule": room.join_rule,
             "world_readable": room.world_readable, "alias": room.canonical_alias}
            for room in page.public_rooms
        ]  # fmt: skip

    async def presence(self, user_id: str) -> str:
        return answered(await self._client.get_presence(user_id)).presence

    # --- what one does

    async def put_state(self, room_id: str, event_type: str, content: dict[str, Any]) -> str:
        return answered(await self._client.room_put_state(room_id, event_type, content)).event_id

    async def forget(self, room_id: str) -> None:
        answered(await self._client.room_forget(room_id))

    async def read_markers(self, room_id: str, event_id: str) -> None:
        answered(await self._client.room_read_markers(room_id, event_id, event_id))

    async def receipt(self, room_id: str, event_id: str) -> None:
        answered(await self._client.update_receipt_marker(room_id, event_id))

    async def type(self, room_id: str) -> None:
        answered(await self._client.room_typing(room_id, True))

    async def alert(self, room_id: str) -> None:
        """Have every message of a room alert, as the client's settings of the room do."""
        answered(await self._client.set_pushrule("global", PushRuleKind.room, rule_id=room_id, actions=[PushNotify()]))

    async def rename(self, name: str) -> None:
        answered(await self._client.set_displayname(name))

    async def say_status(self, status: str) -> None:
        answered(await self._client.set_presence("online", status))

    async def _begin(self, **asked: Any) -> tuple[AsyncClient, Memory, SyncResponse]:
        """A client of the same device that starts now and has synced once."""
        old, config = self._client, AsyncClientConfig(encryption_enabled=False)
        client = AsyncClient(old.homeserver, old.user, config=config)
        client.restore_login(old.user_id, old.device_id, old.access_token)
        memory = Memory(client.user_id)
        try:
            response = answered(await client.sync(timeout=0, **{"full_state": True} | asked))
        finally:
            await client.close()
        memory.take_in(response)
        return client, memory, response

    async def _raw(self, method: str, path: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._client.access_token}"}
        response = await self._client.send(method, path, headers=headers)
        body = json.loads(await response.text())
        if response.status != 200:
            raise NoAnswer(response.status, body["errcode"], body["error"])
        return body
