"""Coming and going: join, invite, knock, leave, kick, ban, unban, forget."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from teahouse.db import Transaction
from teahouse.errors import BadJson, BadState, Forbidden, NotFound, StillJoined
from teahouse.eventlog.state import RoomState
from teahouse.eventlog.types import Also, Content, Draft, Proposal, StoredEvent
from teahouse.matrix import identifiers
from teahouse.rooms.readership import MembershipReadership
from teahouse.rooms.service import Rooms
from teahouse.rooms.types import InvitePolicy, Place, Reader
from teahouse.users.profiles import check_no_badge

Arrived = Callable[[Reader, RoomState], Awaitable[None]]
REASON_MAX_CHARACTERS = 500  # why somebody is invited, kicked, banned or leaves


class Membership:
    """Changes of who is in a room."""

    def __init__(self, rooms: Rooms, members: MembershipReadership, policy: InvitePolicy) -> None:
        self._rooms = rooms
        self._members = members
        self.policy = policy
        self.arrived: list[Arrived] = []  # told of each who has come into a room

    async def join(self, reader: Reader, room_id: str, reason: str | None = None, extra: Content | None = None) -> str:
        """Join a room; returns its id. Joining again changes nothing."""
        state = await self._rooms.find(room_id)
        if state is None:
            raise NotFound("There is no such room.")
        if state.membership(reader.user_id) == "join" and not extra:
            return room_id
        keeper = self._rooms.keeper_of(state)
        if keeper is not None:
            await keeper.join(reader, state)
            return room_id
        authorised_via = await self._authorised_via(reader, state)
        content = await self.member_content(reader.user_no, "join", reason)
        content.update(extra or {})
        if authorised_via is not None:
            content["join_authorised_via_users_server"] = authorised_via
        also = await self._accept(reader, state)
        await self._append(reader, state, reader.user_id, reader.user_no, content, authorised_via, also)
        return room_id

    async def invite(
        self, reader: Reader, room_id: str, target: str, reason: str | None = None, extra: Content | None = None
    ) -> str:
        """Invite a user; returns the event id."""
        state = await self._rooms.require_joined(reader, room_id)
        self._check_change(reader, state)
        target_no = await self.number(target)
        marked = is_direct(state) or bool(extra and extra.get("is_direct"))
        direct = marked and is_for_two(state, reader.user_id, target)
        if state.membership(target) not in ("join", "ban"):
            await self.policy.check_invite(
                reader.user_no, reader.user_id, target_no, target, direct=direct, public=state.public, reason=reason
            )
        content = await self.member_content(target_no, "invite", reason)
        content.update(extra or {})
        also = self._greet(reader, target_no) if direct else None
        return await self._append(reader, state, target, target_no, content, None, also)

    async def knock(self, reader: Reader, room_id: str, reason: str | None = None) -> str:
        """Ask to be let in; returns the room id."""
        state = await self._rooms.find(room_id)
        if state is None:
            raise NotFound("There is no such room.")
        self._check_change(reader, state)
        content = await self.member_content(reader.user_no, "knock", reason)
        await self._append(reader, state, reader.user_id, reader.user_no, content)
        return room_id

    async def leave(self, reader: Reader, room_id: str, reason: str | None = None) -> None:
        """Leave a room, or refuse its invite. Leaving again changes nothing."""
        state = await self._rooms.require(room_id)
        place = (await self._rooms.readership.places(reader)).get(state.room_no)
        if place is None:
            raise Forbidden("You are not in this room.")
        if place.membership == "leave":
            return
        keeper = self._rooms.keeper_of(state)
        if keeper is not None:
            await keeper.leave(reader, state)
            return
        if self._is_greeted(state, place):
            await self._refuse(reader, state, place)
            return
        content = {"membership": "leave"} | checked_reason(reason)
        await self._append(reader, state, reader.user_id, reader.user_no, content)

    async def kick(self, reader: Reader, room_id: str, target: str, reason: str | None = None) -> None:
        """Make a member, or one who is invited or knocks, leave."""
        state = await self._rooms.require_joined(reader, room_id)
        if state.membership(target) not in ("join", "invite", "knock"):
            raise Forbidden(f"{target} is not in this room.")
        await self._put_out(reader, state, target, "leave", reason)

    async def ban(self, reader: Reader, room_id: str, target: str, reason: str | None = None) -> None:
        """Ban a user, whether in the room or not."""
        state = await self._rooms.require_joined(reader, room_id)
        await self._put_out(reader, state, target, "ban", reason)

    async def unban(self, reader: Reader, room_id: str, target: str, reason: str | None = None) -> None:
        """Lift a ban."""
        state = await self._rooms.require_joined(reader, room_id)
        if state.membership(target) != "ban":
            raise BadState(f"{target} is not banned from this room.")
        await self._put_out(reader, state, target, "leave", reason)

    async def forget(self, reader: Reader, room_id: str) -> None:
        """Drop a left room from the reader's lists and history."""
        state = await self._rooms.require(room_id)
        place = (await self._rooms.readership.places(reader)).get(state.room_no)
        if place is None:
            raise NotFound("You have never been in this room.")
        if place.membership not in ("leave", "ban"):
            raise StillJoined("Leave the room before forgetting it.")
        keeper = self._rooms.keeper_of(state)
        if keeper is not None:
            await keeper.forget(reader, state)
            return
        await self.drop(reader, state)

    async def drop(self, reader: Reader, state: RoomState) -> None:
        """Take a room that the reader has left from their lists."""
        async with self._rooms.database.transaction() as tx:
            await tx.execute(
                "UPDATE memberships SET forgotten = 1 WHERE user_no = ? AND room_no = ? "
                "AND (membership IN ('leave', 'ban') OR refused_pos > 0)",
                reader.user_no, state.room_no,
            )  # fmt: skip
            tx.on_commit(lambda: self._members.forgot(reader.user_id, state.room_no))

    async def put_member(self, reader: Reader, room_id: str, target: str, content: Mapping[str, Any]) -> str:
        """A member event put through the state endpoint: the same rules as through the endpoints of their own."""
        membership = content.get("membership")
        if membership not in ("join", "invite", "leave", "ban", "knock"):
            raise BadJson("'membership' must be join, invite, leave, ban or knock.")
        identifiers.user_id(target)
        reason = content.get("reason")
        if not isinstance(reason, str | None):
            raise BadJson("'reason' must be a string.")
        if isinstance(displayname := content.get("displayname"), str):
            check_no_badge(displayname)
        extra = {k: v for k, v in content.items() if k not in ("membership", "join_authorised_via_users_server")}
        if membership == "invite":
            return await self.invite(reader, room_id, target, reason, extra)
        state = await self._rooms.require(room_id)
        if self._rooms.keeper_of(state) is not None:
            if target != reader.user_id or membership not in ("join", "leave"):
                raise Forbidden("Readers of this room come and go by themselves.")
            await (self.join(reader, room_id) if membership == "join" else self.leave(reader, room_id))
            own = await self._rooms.readership.member(reader, state, target, None)
            return "" if own is None else own.event_id
        place = (await self._rooms.readership.places(reader)).get(state.room_no)
        if membership == "leave" and target == reader.user_id and place is not None and self._is_greeted(state, place):
            return self._rooms.eventlog.identifiers.event_id(await self._refuse(reader, state, place), state.room_no)
        via = await self._authorised_via(reader, state) if membership == "join" and target == reader.user_id else None
        body = {"membership": membership} | extra
        if via is not None:
            body["join_authorised_via_users_server"] = via
        also = await self._accept(reader, state) if membership == "join" else None
        return await self._append(reader, state, target, await self.number(target), body, via, also)

    async def profile_changed(self, reader: Reader) -> None:
        """Carry a changed name or picture into the member event of every room the user is in."""
        places = await self._rooms.readership.places(reader)
        content = await self.member_content(reader.user_no, "join", None)
        for place in list(places.values()):
            state = await self._rooms.eventlog.state(place.room_no)
            if state is None or state.membership(reader.user_id) != "join":
                continue
            current = state.content("m.room.member", reader.user_id) or {}
            kept = {key: value for key, value in current.items() if key not in ("displayname", "avatar_url", "reason")}
            if kept | content != current:
                await self._append(reader, state, reader.user_id, reader.user_no, kept | content)

    async def leave_all(self, reader: Reader) -> None:
        """Leave every room and refuse every invite: the account is being closed."""
        for place in list((await self._rooms.readership.places(reader)).values()):
            if place.membership in ("join", "invite", "knock"):
                state = await self._rooms.eventlog.state(place.room_no)
                keeper = None if state is None else self._rooms.keeper_of(state)
                if keeper is not None and state is not None:
                    with suppress(Forbidden):  # a channel keeps its account: posts stay where they were published
                        await keeper.leave(reader, state)
                elif state is not None and state.membership(reader.user_id) in ("join", "invite", "knock"):
                    await self._append(reader, state, reader.user_id, reader.user_no, {"membership": "leave"})

    async def member_content(self, user_no: int, membership: str, reason: str | None) -> dict[str, Any]:
        """The content of a member event: the membership with the user's name and picture."""
        profile = await self._rooms.users.profile(user_no)
        content: dict[str, Any] = {"membership": membership}
        for key in ("displayname", "avatar_url"):
            if profile.get(key) is not None:
                content[key] = profile[key]
        return content | checked_reason(reason)

    def _is_greeted(self, state: RoomState, place: Place) -> bool:
        """Whether what one says no to is a greeting, so that nobody is told."""
        return place.membership == "invite" and self.policy.refuses_silently and is_direct(state)

    async def _refuse(self, reader: Reader, state: RoomState, place: Place) -> int:
        """Say no to a greeting: the room goes from the reader's lists, its sender sees the invitation stand.

        Returns the position at which the reader's own devices see the room left.
        """
        async with self._rooms.database.transaction() as tx:
            pos = tx.positions()
            await tx.execute(
                "UPDATE memberships SET refused_pos = ? WHERE user_no = ? AND room_no = ? AND membership = 'invite'",
                pos, reader.user_no, state.room_no,
            )  # fmt: skip
            await self.policy.refused(tx, reader.user_no, state.room_no)
            tx.on_commit(lambda: self._members.refused(reader.user_id, state.room_no, pos, place.sender_no))
        return pos

    def _check_change(self, reader: Reader, state: RoomState) -> None:
        """Who keeps a room decides about its members."""
        keeper = self._rooms.keeper_of(state)
        if keeper is not None:
            keeper.check_change(reader, state, "m.room.member")

    async def _put_out(
        self, reader: Reader, state: RoomState, target: str, membership: str, reason: str | None
    ) -> None:
        self._check_change(reader, state)
        content = {"membership": membership} | checked_reason(reason)
        await self._append(reader, state, target, await self.number(target), content)

    async def _append(
        self,
        reader: Reader,
        state: RoomState,
        target: str,
        target_no: int,
        content: Content,
        authorised_via: str | None = None,
        also: Also | None = None,
    ) -> str:
        proposal = Proposal(
            reader.user_id, reader.user_no, [Draft("m.room.member", content, target)], state.room_no,
            authorised_via=authorised_via, also=also, users={target: target_no},
        )  # fmt: skip
        appended = await self._rooms.append(proposal)
        if content["membership"] == "join" and state.membership(target) != "join":
            await self.tell_arrived(reader, state)
        return appended.event_ids[0]

    async def tell_arrived(self, reader: Reader, state: RoomState) -> None:
        """The reader has come into a room."""
        for told in self.arrived:
            await told(reader, state)

    async def number(self, user_id: str) -> int:
        identifiers.user_id(user_id)
        number = await self._rooms.users.number(user_id)
        if number is None:
            raise NotFound(f"There is no user {user_id} here.")
        return number

    async def _authorised_via(self, reader: Reader, state: RoomState) -> str | None:
        """A member whose power lets the reader in by a restricted join rule, or None when none is needed.

        Membership of the other rooms is read here; between this and admission it may change, as the design allows.
        Source: room version 8, "Authorization rules", restricted joins.
        """
        if state.join_rule not in ("restricted", "knock_restricted"):
            return None
        if state.membership(reader.user_id) in ("join", "invite"):
            return None
        places = await self._rooms.readership.places(reader)
        for room_id in allowed_rooms(state):
            room_no = self._rooms.eventlog.identifiers.room_no(room_id)
            place = None if room_no is None else places.get(room_no)
            if place is not None and place.membership == "join":
                return inviter(state)
        raise Forbidden("You can join this room only as a member of one of the rooms it names, or by invitation.")

    async def _accept(self, reader: Reader, state: RoomState) -> Also | None:
        """What else a join writes: accepting a direct invite makes the two contacts."""
        invite = state.entries.get(("m.room.member", reader.user_id))
        if invite is None or invite.content.get("membership") != "invite" or not invite.content.get("is_direct"):
            return None
        sender_no = await self._rooms.users.number(invite.sender)
        if sender_no is None or invite.sender not in state.joined:
            return None
        if not is_for_two(state, invite.sender, reader.user_id):
            return None

        async def accepted(tx: Transaction, events: Sequence[StoredEvent]) -> None:
            await self.policy.accepted(tx, sender_no, reader.user_no)

        return accepted

    def _greet(self, reader: Reader, target_no: int) -> Also:
        async def greeted(tx: Transaction, events: Sequence[StoredEvent]) -> None:
            await self.policy.greeted(tx, reader.user_no, target_no, events[-1])

        return greeted


def allowed_rooms(state: RoomState) -> list[str]:
    """The rooms whose members a restricted join rule lets in."""
    allow = (state.content("m.room.join_rules") or {}).get("allow")
    conditions = allow if isinstance(allow, list) else []
    return [
        condition["room_id"]
        for condition in conditions
        if isinstance(condition, dict)
        and condition.get("type") == "m.room_membership"
        and isinstance(condition.get("room_id"), str)
    ]


def inviter(state: RoomState) -> str:
    """A joined member who may invite. Raises Forbidden when the room has none left."""
    levels = state.power_levels
    for user_id in sorted(state.joined, key=levels.user, reverse=True):
        if levels.user(user_id) >= levels.invite:
            return user_id
    raise Forbidden("Nobody in this room has the power to let you in.")


def is_direct(state: RoomState) -> bool:
    """Whether the room was made as a direct chat and still is one."""
    members = [entry.content for (kind, _), entry in state.entries.items() if kind == "m.room.member"]
    return len(members) <= 2 and any(content.get("is_direct") for content in members)


def is_for_two(state: RoomState, user_id: str, other: str) -> bool:
    """Whether nobody besides these two was ever in the room: calling a group direct does not make it so."""
    return all(key in (user_id, other) for kind, key in state.entries if kind == "m.room.member")


def checked_reason(reason: str | None) -> dict[str, Any]:
    """The reason as content, held to its size; nothing for none."""
    if reason is None:
        return {}
    if len(reason) > REASON_MAX_CHARACTERS:
        raise Forbidden(f"A reason has at most {REASON_MAX_CHARACTERS} characters.")
    return {"reason": reason}
