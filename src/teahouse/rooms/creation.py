"""Making a room and replacing one: many events, one proposal, all or none."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from teahouse.db import BUCKETS, Transaction
from teahouse.errors import BadJson, Forbidden, InvalidParam, RoomInUse, RoomVersionUnsupported
from teahouse.eventlog import listing
from teahouse.eventlog.state import RoomState
from teahouse.eventlog.types import Also, Content, Draft, Issued, NewRoom, Proposal, StoredEvent
from teahouse.matrix import identifiers
from teahouse.matrix.room_versions import ROOM_VERSIONS, RoomVersion
from teahouse.rooms.membership import Membership
from teahouse.rooms.service import RESERVED, Rooms
from teahouse.rooms.types import Reader
from teahouse.rooms.upgrading import LEVELS, TOMBSTONE, carried_levels, closed_levels, guarded, raised_levels

DEFAULT_ROOM_VERSION = "12"
INVITES_MAX = 100  # users invited while a room is made; more are invited one by one afterwards
INITIAL_STATE_MAX = 100  # state events a client may bring along
NAME_MAX_CHARACTERS = 255  # of a room's name
TOPIC_MAX_CHARACTERS = 4_096  # of a room's topic
MEGOLM = "m.megolm.v1.aes-sha2"  # the one algorithm for groups that the specification has
# Source: Client-Server API, "POST /createRoom", presets: (join rule, history visibility, guest access).
PRESETS = {
    "private_chat": ("invite", "shared", "can_join"),
    "trusted_private_chat": ("invite", "shared", "can_join"),
    "public_chat": ("public", "shared", "forbidden"),
}
CARRIED_OVER = (
    "m.room.server_acl", "m.room.encryption", "m.room.name", "m.room.avatar", "m.room.topic", "m.room.guest_access",
    "m.room.history_visibility", "m.room.join_rules", "m.room.canonical_alias",
)  # fmt: skip


class StateInput(msgspec.Struct):
    """A state event a client asks for at creation."""

    type: str
    content: dict[str, Any]
    state_key: str = ""


class CreateRoom(msgspec.Struct):
    """The body of `POST /createRoom`."""

    visibility: str = "private"
    room_alias_name: str | None = None
    name: str | None = None
    topic: str | None = None
    invite: list[str] = []
    invite_3pid: list[dict[str, Any]] = []
    room_version: str | None = None
    creation_content: dict[str, Any] = {}
    initial_state: list[StateInput] = []
    preset: str | None = None
    is_direct: bool = False
    power_level_content_override: dict[str, Any] | None = None


class Creation:
    """Makes rooms."""

    def __init__(
        self, rooms: Rooms, membership: Membership, default_version: str = DEFAULT_ROOM_VERSION, *,
        encrypt_private: bool = False,
    ) -> None:  # fmt: skip
        """`encrypt_private`: private rooms are encrypted also where whoever makes them says nothing of it."""
        self._rooms = rooms
        self._membership = membership
        self._encrypt_private = encrypt_private
        self.default_version = default_version

    async def create(
        self, reader: Reader, wish: CreateRoom, keep: Also | None = None, shown: Content | None = None
    ) -> str:
        """Make a room as wished; returns its id.

        `keep` makes it a keeper's, whose rows it writes beside the room. `shown` is the name and picture of a maker
        whose profile is not written yet.
        """
        check_wish(wish, kept=keep is not None)
        version = known_version(wish.room_version or self.default_version)
        preset = wish.preset or ("public_chat" if wish.visibility == "public" else "private_chat")
        alias = self._alias(wish.room_alias_name)
        targets = await self._targets(reader, wish, public=preset == "public_chat")
        # A keeper's room is read by staff or by friends to come, and takes no encryption.
        encrypted = self._encrypt_private and preset != "public_chat" and keep is None
        own = await self._membership.member_content(reader.user_no, "join", None)
        drafts = [
            create_draft(reader, wish, version, preset),
            Draft("m.room.member", own if shown is None else {"membership": "join", **shown}, reader.user_id),
            Draft(LEVELS, power_levels(reader, wish, version, preset), ""),
            *named_state(wish, preset, alias, encrypted=encrypted),
        ]
        for target, number in targets.items():
            content = await self._membership.member_content(number, "invite", None)
            if wish.is_direct:
                content["is_direct"] = True
            drafts.append(Draft("m.room.member", content, target))
        new_room = NewRoom(version.name, secrets.randbelow(BUCKETS), wish.visibility == "public")
        users = {reader.user_id: reader.user_no} | targets
        also = self._also(reader, alias, targets if wish.is_direct else {}, keep)
        proposal = Proposal(reader.user_id, reader.user_no, drafts, new_room=new_room, also=also, users=users)
        appended = await self._rooms.append(proposal)
        return self._rooms.eventlog.identifiers.room_id(appended.room_no, version.name)

    async def upgrade(self, reader: Reader, room_id: str, version_name: str, additional: Sequence[str]) -> str:
        """Replace a room by one of another version; returns the new room's id.

        One proposal writes the new room and the old one's tombstone, so a retry after an unseen answer finds the
        tombstone and returns the same room.
        """
        version = known_version(version_name)
        state = await self._rooms.require_joined(reader, room_id)
        keeper = self._rooms.keeper_of(state)
        if keeper is not None:
            keeper.check_change(reader, state, TOMBSTONE)
        made = state.text(TOMBSTONE, "replacement_room")
        if made is not None and state.sender(TOMBSTONE) == reader.user_id and await self._rooms.find(made) is not None:
            return made
        levels = state.power_levels
        if levels.user(reader.user_id) < levels.state(TOMBSTONE):
            raise Forbidden("You do not have the power to upgrade this room.")
        drafts = await self._replacement(reader, state, version, additional)
        new_room = NewRoom(version.name, secrets.randbelow(BUCKETS), state.listed)
        proposal = Proposal(
            reader.user_id, reader.user_no, drafts, room_no=state.room_no, new_room=new_room,
            also=self._move(state), users={reader.user_id: reader.user_no},
        )  # fmt: skip
        appended = await self._rooms.append(proposal)
        new_room_id = self._rooms.eventlog.identifiers.room_id(appended.room_no, version.name)
        await self._membership.tell_arrived(reader, await self._rooms.require(new_room_id))
        return new_room_id

    async def _replacement(
        self, reader: Reader, state: RoomState, version: RoomVersion, additional: Sequence[str]
    ) -> list[Draft]:
        """The events of the room that replaces `state`, and the tombstone; the tombstone's index is the last."""
        create = dict(state.content("m.room.create") or {})
        create.pop("additional_creators", None)
        create.pop("creator", None)
        create["room_version"] = version.name
        if additional and version.privileged_creators:
            create["additional_creators"] = [identifiers.user_id(user) for user in additional]
        if version.name == "10":
            create["creator"] = reader.user_id

        def created(issued: Issued) -> Content:
            # Room version 12 dropped the predecessor's event_id.
            predecessor = {"room_id": state.room_id}
            if version.name != "12":
                predecessor["event_id"] = issued.event_ids[-1]
            return create | {"predecessor": predecessor}

        carried = {kind: content for kind in CARRIED_OVER if (content := state.content(kind)) is not None}
        levels = carried_levels(state, version, reader.user_id, additional)
        raised = raised_levels(levels, version, reader.user_id, carried)
        drafts = [
            Draft("m.room.create", created, ""),
            Draft("m.room.member", await self._membership.member_content(reader.user_no, "join", None), reader.user_id),
            Draft(LEVELS, levels if raised is None else raised, ""),
            *(Draft(kind, content, "") for kind, content in carried.items()),
        ]
        if raised is not None:  # whoever replaced the room has in the new one what they had in the old
            drafts.append(Draft(LEVELS, levels, ""))
        if self._may_unname(reader, state):
            drafts.append(Draft("m.room.canonical_alias", {}, "", old_room=True))
        closed = closed_levels(state, reader.user_id)
        if closed is not None:
            drafts.append(Draft(LEVELS, closed, "", old_room=True))
        drafts.append(
            Draft(
                TOMBSTONE,
                lambda issued: {"body": "This room has been replaced.", "replacement_room": issued.room_id},
                "",
                old_room=True,
            )
        )
        return drafts

    def _may_unname(self, reader: Reader, state: RoomState) -> bool:
        """Whether the room has a main alias, which goes on to the next one, and the reader may take it away here."""
        levels = state.power_levels
        return bool(state.content("m.room.canonical_alias")) and (
            levels.user(reader.user_id) >= levels.state("m.room.canonical_alias")
        )

    def _move(self, state: RoomState) -> Any:
        """Point the old room's aliases at the new one, and take it out of the directory."""

        async def move(tx: Transaction, events: Sequence[StoredEvent]) -> None:
            new_room_no = events[0].room_no
            await tx.execute("UPDATE aliases SET room_no = ? WHERE room_no = ?", new_room_no, state.room_no)
            await listing.enlist(tx, state.room_no, listed=False)
            tx.on_commit(lambda: self._rooms.eventlog.listed(state.room_no, False))

        return move

    def _also(self, reader: Reader, alias: str | None, direct: Mapping[str, int], keep: Also | None) -> Also | None:
        if alias is None and not direct:
            return keep

        async def also(tx: Transaction, events: Sequence[StoredEvent]) -> None:
            if alias is not None:
                claimed = await tx.execute(
                    "INSERT INTO aliases (alias, room_no, creator_no) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                    alias, events[0].room_no, reader.user_no,
                )  # fmt: skip
                if not claimed:
                    raise RoomInUse(f"The alias {alias} is taken.")
            for event in events:
                if event.type == "m.room.member" and event.state_key is not None and event.state_key in direct:
                    await self._membership.policy.greeted(tx, reader.user_no, direct[event.state_key], event)
            if keep is not None:
                await keep(tx, events)

        return also

    def _alias(self, name: str | None) -> str | None:
        if name is None:
            return None
        if ":" in name or name.startswith("#"):
            raise InvalidParam("'room_alias_name' is the alias's local part alone.")
        return identifiers.room_alias(f"#{name}:{self._rooms.eventlog.identifiers.server_name}")

    async def _targets(self, reader: Reader, wish: CreateRoom, *, public: bool) -> dict[str, int]:
        """The user_no of everybody to invite, each one checked."""
        targets: dict[str, int] = {}
        for target in dict.fromkeys(wish.invite):
            if target == reader.user_id:
                continue
            number = await self._membership.number(target)
            await self._membership.policy.check_invite(
                reader.user_no, reader.user_id, number, target, direct=wish.is_direct and len(wish.invite) == 1,
                public=public, reason=None,
            )  # fmt: skip
            targets[target] = number
        return targets


def check_wish(wish: CreateRoom, *, kept: bool) -> None:
    """Raises a refusal for what cannot be asked of a new room."""
    if wish.invite_3pid:
        raise InvalidParam("Invitations by e-mail or phone number are not available here.")
    if wish.visibility not in ("public", "private"):
        raise InvalidParam("'visibility' must be public or private.")
    if wish.preset is not None and wish.preset not in PRESETS:
        raise InvalidParam(f"'preset' must be one of {', '.join(PRESETS)}.")
    if len(wish.invite) > INVITES_MAX:
        raise InvalidParam(f"At most {INVITES_MAX} users can be invited while a room is made.")
    if len(wish.initial_state) > INITIAL_STATE_MAX:
        raise InvalidParam(f"'initial_state' holds at most {INITIAL_STATE_MAX} events.")
    if wish.name is not None and len(wish.name) > NAME_MAX_CHARACTERS:
        raise InvalidParam(f"A room's name has at most {NAME_MAX_CHARACTERS} characters.")
    if wish.topic is not None and len(wish.topic) > TOPIC_MAX_CHARACTERS:
        raise InvalidParam(f"A room's topic has at most {TOPIC_MAX_CHARACTERS} characters.")
    for event in wish.initial_state:
        if event.type in ("m.room.create", "m.room.member"):
            raise BadJson(f"'initial_state' cannot hold {event.type}.")
        if event.type.startswith(RESERVED) and not kept:
            raise Forbidden(f"State of a type that begins with {RESERVED} is for the server alone to set.")


def known_version(name: str) -> RoomVersion:
    """The room version of a name; raises RoomVersionUnsupported."""
    version = ROOM_VERSIONS.get(name)
    if version is None:
        raise RoomVersionUnsupported(f"Room version {name} is not available here.")
    return version


def create_draft(reader: Reader, wish: CreateRoom, version: RoomVersion, preset: str) -> Draft:
    """The create event. A trusted chat of version 12 makes its guests creators, who hold all power there."""
    content = {key: value for key, value in wish.creation_content.items() if key not in ("creator", "room_version")}
    content["room_version"] = version.name
    if version.name == "10":
        content["creator"] = reader.user_id
    if version.privileged_creators and preset == "trusted_private_chat" and wish.invite:
        additional = content.get("additional_creators", [])
        if isinstance(additional, list):  # else admission says what is wrong with it
            guests = [user for user in dict.fromkeys(wish.invite) if user not in additional]
            content["additional_creators"] = [*additional, *guests]
    return Draft("m.room.create", content, "")


def power_levels(reader: Reader, wish: CreateRoom, version: RoomVersion, preset: str) -> dict[str, Any]:
    """The power levels of a new room: the maker 100 (where creators do not outrank all anyway)."""
    users = {} if version.privileged_creators else {reader.user_id: 100}
    if preset == "trusted_private_chat" and not version.privileged_creators:
        users |= dict.fromkeys(wish.invite, 100)
    content: dict[str, Any] = {
        "users": users,
        "users_default": 0,
        "events": {
            "m.room.name": 50,
            "m.room.power_levels": 100,
            "m.room.history_visibility": 100,
            "m.room.canonical_alias": 50,
            "m.room.avatar": 50,
            "m.room.server_acl": 100,
            "m.room.encryption": 100,
        },
        "events_default": 0,
        "state_default": 50,
        "ban": 50,
        "kick": 50,
        "redact": 50,
        "invite": 0,
        "historical": 100,
    }
    if not version.privileged_creators:
        content["events"][TOMBSTONE] = 100
    content |= wish.power_level_content_override or {}
    return guarded(content) if version.privileged_creators else content


def named_state(wish: CreateRoom, preset: str, alias: str | None, *, encrypted: bool = False) -> list[Draft]:
    """The state after the power levels, in the specification's order: alias, preset, initial_state, name, topic."""
    join_rule, visibility, guests = PRESETS[preset]
    state: dict[tuple[str, str], Content] = {}
    if alias is not None:
        state["m.room.canonical_alias", ""] = {"alias": alias}
    state["m.room.join_rules", ""] = {"join_rule": join_rule}
    state["m.room.history_visibility", ""] = {"history_visibility": visibility}
    state["m.room.guest_access", ""] = {"guest_access": guests}
    if encrypted:
        state["m.room.encryption", ""] = {"algorithm": MEGOLM}
    for event in wish.initial_state:
        state[event.type, event.state_key] = event.content
    if wish.name is not None:
        state["m.room.name", ""] = {"name": wish.name}
    if wish.topic is not None:
        state["m.room.topic", ""] = {"topic": wish.topic, "m.topic": {"m.text": [{"body": wish.topic}]}}
    return [Draft(event_type, content, state_key) for (event_type, state_key), content in state.items()]
