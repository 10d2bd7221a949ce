"""Aliases, and the list of public rooms."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from teahouse.errors import Conflict, Forbidden, InvalidParam, NotFound
from teahouse.eventlog import listing
from teahouse.eventlog.state import RoomState
from teahouse.matrix import identifiers
from teahouse.rooms import finding
from teahouse.rooms.service import Rooms
from teahouse.rooms.types import Reader

ALIASES_PER_ROOM_MAX = 100  # aliases one room may have
PUBLIC_ROOMS_PAGE_MAX = 100  # rooms of one page of the directory
PAGES_LOOKED_MAX = 10  # pages looked through for one of rooms of some types; beyond them its token goes on


@dataclass(frozen=True, slots=True)
class PublicRooms:
    """A page of the directory, with the tokens of the pages around it, and how many rooms are listed in all."""

    chunk: list[dict[str, Any]]
    prev_batch: str | None
    next_batch: str | None
    total: int


class Directory:
    """What can be found by name."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._database = rooms.database

    @property
    def server_name(self) -> str:
        return self._rooms.eventlog.identifiers.server_name

    async def resolve(self, room_id_or_alias: str) -> str:
        """The room id behind an alias, or the id itself; raises NotFound."""
        if not room_id_or_alias.startswith("#"):
            return identifiers.room_id(room_id_or_alias)
        identifiers.room_alias(room_id_or_alias)
        row = await self._database.fetch_one("SELECT room_no FROM aliases WHERE alias = ?", room_id_or_alias)
        state = None if row is None else await self._rooms.eventlog.state(row[0])
        if state is None:
            raise NotFound(f"There is no room {room_id_or_alias}.")
        return state.room_id

    async def room_id(self, room_no: int) -> str:
        """The id of a room that exists."""
        state = await self._rooms.eventlog.state(room_no)
        assert state is not None
        return state.room_id

    async def add(self, reader: Reader, alias: str, room_id: str) -> None:
        """Point an alias at a room; raises Conflict when it is taken."""
        identifiers.room_alias(alias)
        if not alias.endswith(f":{self.server_name}"):
            raise InvalidParam(f"An alias here ends in :{self.server_name}.")
        identifiers.room_id(room_id)
        state = await self._rooms.require_joined(reader, room_id)
        self._check_kept(reader, state)
        rows = await self._database.fetch("SELECT alias FROM aliases WHERE room_no = ?", state.room_no)
        if len(rows) >= ALIASES_PER_ROOM_MAX:
            raise Forbidden(f"A room has at most {ALIASES_PER_ROOM_MAX} aliases.")
        async with self._database.transaction() as tx:
            claimed = await tx.execute(
                "INSERT INTO aliases (alias, room_no, creator_no) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                alias, state.room_no, reader.user_no,
            )  # fmt: skip
            if not claimed:
                raise Conflict(f"The alias {alias} is taken.")

    async def remove(self, reader: Reader, alias: str, *, admin: bool) -> None:
        """Take an alias away: its creator may, and whoever may name the room's main alias."""
        identifiers.room_alias(alias)
        row = await self._database.fetch_one("SELECT room_no, creator_no FROM aliases WHERE alias = ?", alias)
        if row is None:
            raise NotFound(f"There is no alias {alias}.")
        room_no, creator_no = row
        state = await self._rooms.eventlog.state(room_no)
        may = state is not None and reader.user_id in state.joined and (
            state.power_levels.user(reader.user_id) >= state.power_levels.state("m.room.canonical_alias")
        )  # fmt: skip
        if creator_no != reader.user_no and not may and not admin:
            raise Forbidden("Only who made an alias, or may name the room's main one, can remove it.")
        async with self._database.transaction() as tx:
            await tx.execute("DELETE FROM aliases WHERE alias = ? AND room_no = ?", alias, room_no)
        if state is not None and may and self._rooms.keeper_of(state) is None:
            await self._unname(reader, state, alias)

    async def _unname(self, reader: Reader, state: RoomState, alias: str) -> None:
        """Take an alias that is gone out of those the room goes by."""
        content = dict(state.content("m.room.canonical_alias") or {})
        before = dict(content)
        if content.get("alias") == alias:
            del content["alias"]
        if isinstance(content.get("alt_aliases"), list):
            content["alt_aliases"] = [each for each in content["alt_aliases"] if each != alias]
        if content != before:
            with suppress(Forbidden):  # their power may be gone meanwhile; the alias is
                await self._rooms.set_state(reader, state.room_id, "m.room.canonical_alias", "", content)

    async def aliases(self, reader: Reader, room_id: str) -> list[str]:
        """The aliases of a room, for its members (and anybody where its history is open to the world)."""
        state = await self._rooms.require(room_id)
        if state.history_visibility != "world_readable":
            await self._rooms.require_joined(reader, room_id)
        rows = await self._database.fetch("SELECT alias FROM aliases WHERE room_no = ? ORDER BY alias", state.room_no)
        return [row[0] for row in rows]

    async def is_listed(self, room_id: str) -> bool:
        """Whether a room is in the public directory; raises NotFound when there is no such room."""
        state = await self._rooms.find(room_id)
        if state is None:
            raise NotFound("There is no such room.")
        return state.listed

    async def set_listed(self, reader: Reader, room_id: str, listed: bool) -> None:
        """Put a room into the directory or take it out."""
        state = await self._rooms.find(room_id)
        if state is None:
            raise NotFound("There is no such room.")
        levels = state.power_levels
        if reader.user_id not in state.joined or (levels.user(reader.user_id) < levels.state("m.room.canonical_alias")):
            raise Forbidden("You do not have the power to list this room.")
        self._check_kept(reader, state)
        room_no = state.room_no
        async with self._database.transaction() as tx:
            if not await listing.enlist(tx, room_no, listed=listed):
                raise Conflict("The room is gone.")
            tx.on_commit(lambda: self._rooms.eventlog.listed(room_no, listed))

    def _check_kept(self, reader: Reader, state: RoomState) -> None:
        """Raises Forbidden where the room's keeper does not let the reader name or list it."""
        keeper = self._rooms.keeper_of(state)
        if keeper is not None:
            keeper.check_change(reader, state, "m.room.canonical_alias")

    async def public_rooms(
        self, search: str, since: str | None, limit: int, types: Collection[str | None] | None = None
    ) -> PublicRooms:
        """Listed rooms that hold a text, the largest first; with `types` only those of some types (None: of none)."""
        place = finding.parse_place(since)
        upwards = place.upwards
        found = await finding.page(self._database, search, place, limit)
        chunk, back, further = await self._shown(found, types), *ends(found, upwards)
        looked = 1
        while types is not None and further is not None and len(chunk) < limit and looked < PAGES_LOOKED_MAX:
            found = await finding.page(self._database, search, further, limit - len(chunk))
            more, further = await self._shown(found, types), ends(found, upwards)[1]
            chunk = more + chunk if upwards else chunk + more
            looked += 1
        before, after = (further, back) if upwards else (back, further)
        return PublicRooms(
            chunk, None if before is None else before.token, None if after is None else after.token,
            await listing.total(self._database),
        )  # fmt: skip

    async def _shown(self, found: finding.Found, types: Collection[str | None] | None) -> list[dict[str, Any]]:
        """The rooms found that are of some types, as the directory shows them."""
        states = [(await self._rooms.eventlog.state(number), joined_count) for number, joined_count in found.rooms]
        rooms = [public_room(state, joined_count) for state, joined_count in states if state is not None]
        return rooms if types is None else [room for room in rooms if room.get("room_type") in types]


def ends(found: finding.Found, upwards: bool) -> tuple[finding.Place | None, finding.Place | None]:
    """Where a page goes back to where one came from, and where further on."""
    return (found.after, found.before) if upwards else (found.before, found.after)


def public_room(state: RoomState, joined_count: int) -> dict[str, Any]:
    """A room as the directory shows it. Those who read without being members are counted too."""
    guests = state.text("m.room.guest_access", "guest_access") == "can_join"
    room: dict[str, Any] = {
        "room_id": state.room_id,
        "num_joined_members": joined_count,
        "join_rule": state.join_rule,
        "guest_can_join": guests,
        "world_readable": state.history_visibility == "world_readable",
    }
    texts = {
        "name": ("m.room.name", "name"),
        "topic": ("m.room.topic", "topic"),
        "avatar_url": ("m.room.avatar", "url"),
        "canonical_alias": ("m.room.canonical_alias", "alias"),
        "room_type": ("m.room.create", "type"),
    }
    for key, (event_type, field) in texts.items():
        value = state.text(event_type, field)
        if value:
            room[key] = value
    return room
