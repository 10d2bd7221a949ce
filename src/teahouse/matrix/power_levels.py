"""Who may do what in a room. Source: Client-Server API, "m.room.power_levels"; room versions 10 and 12."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from teahouse.matrix.room_versions import RoomVersion

CREATOR_LEVEL = 1 << 62  # room version 12: creators stand above every level a number can name
TOP_KEYS = ("users_default", "events_default", "state_default", "ban", "redact", "kick", "invite")


@dataclass(frozen=True, slots=True)
class PowerLevels:
    """Power levels as numbers, defaults filled in."""

    users: Mapping[str, int]
    users_default: int
    events: Mapping[str, int]
    events_default: int
    state_default: int
    ban: int
    kick: int
    redact: int
    invite: int
    notifications: Mapping[str, int]
    creators: Collection[str]

    @classmethod
    def parse(
        cls, content: Mapping[str, Any] | None, version: RoomVersion, creators: Collection[str], creator: str = ""
    ) -> PowerLevels:
        """Levels from a power level event's content; without one, those of a room that has none.

        `creators` are privileged (version 12); `creator` is who made a room of an earlier version.
        """
        if content is None:
            users = {creator: 100} if creator and not version.privileged_creators else {}
            return cls(users, 0, {}, 0, 0, 50, 50, 50, 0, {}, creators)
        return cls(
            numbers(content.get("users")),
            number(content, "users_default", 0),
            numbers(content.get("events")),
            number(content, "events_default", 0),
            number(content, "state_default", 50),
            number(content, "ban", 50),
            number(content, "kick", 50),
            number(content, "redact", 50),
            number(content, "invite", 0),
            numbers(content.get("notifications")),
            creators,
        )

    def user(self, user_id: str) -> int:
        """A user's level."""
        if user_id in self.creators:
            return CREATOR_LEVEL
        return self.users.get(user_id, self.users_default)

    def message(self, event_type: str) -> int:
        """The level that sending a message event takes."""
        return self.events.get(event_type, self.events_default)

    def state(self, event_type: str) -> int:
        """The level that sending a state event takes."""
        return self.events.get(event_type, self.state_default)

    def notification(self, key: str) -> int:
        """The level that notifying by `key` takes, such as `room`."""
        return self.notifications.get(key, 50)


def number(content: Mapping[str, Any], key: str, default: int) -> int:
    """A level, or its default."""
    value = content.get(key)
    return value if type(value) is int else default


def numbers(value: Any) -> Mapping[str, int]:
    """A mapping to levels; what is none is left out."""
    if not isinstance(value, dict):
        return {}
    return {key: level for key, level in value.items() if type(level) is int}
