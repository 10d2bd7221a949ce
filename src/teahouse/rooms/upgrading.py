"""What power levels a replaced room leaves behind, and which its successor begins with and ends with: pure rules.

Source: Client-Server API, "Room Upgrades".
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from teahouse.eventlog.state import RoomState
from teahouse.matrix.canonical_json import INTEGER_MAX
from teahouse.matrix.power_levels import PowerLevels
from teahouse.matrix.room_versions import RoomVersion

TOMBSTONE = "m.room.tombstone"
TOMBSTONE_LEVEL = 150  # room version 12: replacing the room is for its creators unless they say otherwise
LEVELS = "m.room.power_levels"

Levels = dict[str, Any]


def guarded(levels: Levels) -> Levels:
    """Power levels that name one for replacing the room, higher than for other state, where they named none.

    Source: Client-Server API, "POST /createRoom". What is no level stays, for admission to refuse.
    """
    events, default = levels.get("events", {}), levels.get("state_default", 50)
    if not isinstance(events, dict) or TOMBSTONE in events or type(default) is not int:
        return levels
    return levels | {"events": events | {TOMBSTONE: max(TOMBSTONE_LEVEL, min(default + 1, INTEGER_MAX))}}


def carried_levels(state: RoomState, version: RoomVersion, user_id: str, creators: Collection[str]) -> Levels:
    """The power levels of the room that replaces `state`: its own, for the other version. `user_id` replaces it."""
    levels = dict(state.content(LEVELS) or {})
    users = levels.get("users", {})
    if version.privileged_creators:
        makers = {user_id, *creators}
        return guarded(levels | {"users": {user: level for user, level in users.items() if user not in makers}})
    if user_id in state.creators or not levels:  # their power stood in no list: it goes over all that has a level
        return levels | {"users": {**users, user_id: max(100, *state.power_levels.events.values())}}
    return levels


def raised_levels(levels: Levels, version: RoomVersion, user_id: str, kinds: Iterable[str]) -> Levels | None:
    """Levels with which the user can send state of some kinds, and set levels; None when they can by those given."""
    if version.privileged_creators:
        return None
    parsed = PowerLevels.parse(levels, version, ())
    needed = max(map(parsed.state, (LEVELS, *kinds)))
    if parsed.user(user_id) >= needed:
        return None
    return levels | {"users": {**levels.get("users", {}), user_id: needed}}


def closed_levels(state: RoomState, user_id: str) -> Levels | None:
    """Power levels for a room that was replaced: its members can no longer write or invite.

    None when they could not before either, and when the user has not the power to take theirs.
    """
    levels = state.power_levels
    level = max(50, levels.users_default + 1)
    if levels.events_default >= level and levels.invite >= level:
        return None
    if levels.user(user_id) < max(level, levels.state(LEVELS)):
        return None
    return dict(state.content(LEVELS) or {}) | {
        "events_default": max(levels.events_default, level),
        "invite": max(levels.invite, level),
    }
