"""Whether an event may stand in a room, given the room's state before it.

There is one server, so history is a line: signatures, event auth chains and state resolution have no place here.
Source: room versions 10, 11 and 12, "Authorization rules"; the numbers in comments are version 12's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from teahouse.errors import BadJson, Forbidden, InvalidParam
from teahouse.matrix import identifiers
from teahouse.matrix.power_levels import TOP_KEYS, PowerLevels
from teahouse.matrix.room_versions import RoomVersion

Content = Mapping[str, Any]
MEMBERSHIPS = ("join", "invite", "leave", "ban", "knock")


class RoomView(Protocol):
    """A room's state as the rules read it."""

    @property
    def version(self) -> RoomVersion: ...

    @property
    def power_levels(self) -> PowerLevels: ...

    @property
    def join_rule(self) -> str: ...

    def content(self, event_type: str, state_key: str = "") -> Content | None: ...

    def membership(self, user_id: str) -> str | None: ...

    def is_empty_room_of(self, user_id: str) -> bool:
        """Whether the room holds nothing but its create event, sent by this user."""


def authorise(
    room: RoomView,
    *,
    sender: str,
    event_type: str,
    state_key: str | None,
    content: Content,
    authorised_via: str | None = None,
) -> None:
    """Raises Forbidden, with the rule that is broken, unless the event is allowed.

    `authorised_via` is the member whose right to invite lets a restricted join in, as the caller checked it.
    """
    if event_type == "m.room.create":
        authorise_create(room, sender, state_key, content)
        return
    if room.content("m.room.create") is None:  # 2.4
        raise Forbidden("The room does not exist.")
    if event_type == "m.room.member":
        authorise_member(room, sender, state_key, content, authorised_via)
        return
    if room.membership(sender) != "join":  # 6
        raise Forbidden("You are not in this room.")
    levels = room.power_levels
    needed = levels.message(event_type) if state_key is None else levels.state(event_type)
    if event_type == "m.room.third_party_invite":  # 7
        raise Forbidden("Invitations by e-mail or phone number are not available here.")
    if levels.user(sender) < needed:  # 8
        raise Forbidden(f"You need power level {needed} to send {event_type} here.")
    if state_key is not None and state_key.startswith("@") and state_key != sender:  # 9
        raise Forbidden("State kept under a user's id is for that user alone.")
    if event_type == "m.room.power_levels":
        authorise_power_levels(room, sender, state_key, content)


def authorise_create(room: RoomView, sender: str, state_key: str | None, content: Content) -> None:
    """Rule 1: the first event, once."""
    if room.content("m.room.create") is not None:
        raise Forbidden("The room exists already.")
    if state_key != "":
        raise Forbidden("A create event has an empty state key.")
    additional = content.get("additional_creators")
    if room.version.privileged_creators and additional is not None:  # 1.4
        if not isinstance(additional, list):
            raise BadJson("'additional_creators' must be a list of user ids.")
        for user in additional:
            checked_user(user)


def authorise_member(
    room: RoomView, sender: str, target: str | None, content: Content, authorised_via: str | None
) -> None:
    """Rule 4: changes of membership."""
    membership = content.get("membership")
    if target is None or membership not in MEMBERSHIPS:  # 4.1
        raise BadJson("A member event names a user and one of join, invite, leave, ban, knock.")
    checked_user(target)
    if membership == "join":
        authorise_join(room, sender, target, authorised_via)
    elif membership == "invite":
        authorise_invite(room, sender, target)
    elif membership == "leave":
        authorise_leave(room, sender, target)
    elif membership == "ban":
        authorise_ban(room, sender, target)
    else:
        authorise_knock(room, sender, target)


def authorise_join(room: RoomView, sender: str, target: str, authorised_via: str | None) -> None:
    """Rule 4.3."""
    if sender != target:
        raise Forbidden("Nobody can join a room for somebody else.")
    current = room.membership(target)
    if current == "ban":
        raise Forbidden("You are banned from this room.")
    if current is None and room.is_empty_room_of(sender):  # 4.3.1
        return
    rule = room.join_rule
    if rule == "public" or current in ("join", "invite"):
        return
    if rule in ("restricted", "knock_restricted") and authorised_via is not None:
        levels = room.power_levels
        if room.membership(authorised_via) == "join" and levels.user(authorised_via) >= levels.invite:
            return
    raise Forbidden("You need an invitation to join this room.")


def authorise_invite(room: RoomView, sender: str, target: str) -> None:
    """Rule 4.4."""
    if room.membership(sender) != "join":
        raise Forbidden("You are not in this room.")
    current = room.membership(target)
    if current == "join":
        raise Forbidden(f"{target} is in the room already.")
    if current == "ban":
        raise Forbidden(f"{target} is banned from this room.")
    if room.power_levels.user(sender) < room.power_levels.invite:
        raise Forbidden("You do not have the power to invite to this room.")


def authorise_leave(room: RoomView, sender: str, target: str) -> None:
    """Rule 4.5: leaving, kicking, lifting a ban."""
    current = room.membership(target)
    if sender == target:
        if current not in ("join", "invite", "knock"):
            raise Forbidden("You are not in this room.")
        return
    if room.membership(sender) != "join":
        raise Forbidden("You are not in this room.")
    levels = room.power_levels
    if current == "ban" and levels.user(sender) < levels.ban:
        raise Forbidden("You do not have the power to lift a ban here.")
    if levels.user(sender) < levels.kick or levels.user(target) >= levels.user(sender):
        raise Forbidden(f"You do not have the power to remove {target} from this room.")


def authorise_ban(room: RoomView, sender: str, target: str) -> None:
    """Rule 4.6."""
    if room.membership(sender) != "join":
        raise Forbidden("You are not in this room.")
    levels = room.power_levels
    if levels.user(sender) < levels.ban or levels.user(target) >= levels.user(sender):
        raise Forbidden(f"You do not have the power to ban {target} from this room.")


def authorise_knock(room: RoomView, sender: str, target: str) -> None:
    """Rule 4.7."""
    if sender != target:
        raise Forbidden("Nobody can knock for somebody else.")
    if room.join_rule not in ("knock", "knock_restricted"):
        raise Forbidden("This room takes no knocks.")
    if room.membership(sender) in ("ban", "invite", "join"):
        raise Forbidden("You cannot knock: you are in the room, invited to it, or banned from it.")


def authorise_power_levels(room: RoomView, sender: str, state_key: str | None, content: Content) -> None:
    """Rule 10."""
    if state_key != "":
        raise Forbidden("Power levels have an empty state key.")
    check_levels(content)
    if room.version.privileged_creators:  # 10.4: creators need no level, and must not be given one
        named = content.get("users") or {}
        for creator in room.power_levels.creators:
            if creator in named:
                raise Forbidden(f"{creator} made this room and stands above its power levels; they cannot be listed.")
    before = room.content("m.room.power_levels")
    if before is None:
        return
    own = room.power_levels.user(sender)
    for key in TOP_KEYS:
        check_change(key, before.get(key), content.get(key), own)
    for group in ("events", "notifications", "users"):
        old, new = before.get(group) or {}, content.get(group) or {}
        for key in {*old, *new}:
            check_change(f"{group}.{key}", old.get(key), new.get(key), own)
            # 10.9: a level equal to one's own can be lowered for oneself only.
            if group == "users" and key != sender and key in old and old.get(key) != new.get(key) and old[key] >= own:
                raise Forbidden(f"You cannot change the power level of {key}, which is as high as yours.")


def check_change(name: str, old: object, new: object, own: int) -> None:
    """Nobody touches a level above their own, nor gives one."""
    if old == new:
        return
    for level in (old, new):
        if isinstance(level, int) and level > own:
            raise Forbidden(f"You cannot change the power level '{name}' from or to more than your own, {own}.")


def check_levels(content: Content) -> None:
    """Levels are integers (room version 10 ended strings), users are user ids."""
    for key in TOP_KEYS:
        if key in content and type(content[key]) is not int:
            raise BadJson(f"The power level '{key}' must be an integer.")
    for group in ("events", "notifications", "users"):
        levels = content.get(group, {})
        if not isinstance(levels, dict) or any(type(level) is not int for level in levels.values()):
            raise BadJson(f"'{group}' must be an object of integers.")
    for user in content.get("users", {}):
        checked_user(user)


def checked_user(user: object) -> None:
    """Raises BadJson unless this is a user id."""
    try:
        identifiers.user_id(user if isinstance(user, str) else "")
    except InvalidParam:
        raise BadJson(f"{user!r} is not a user id.") from None
