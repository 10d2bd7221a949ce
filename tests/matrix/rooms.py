"""Rooms as the authorization rules see them, built from plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from teahouse.errors import BadJson, Forbidden
from teahouse.eventlog.state import RoomState
from teahouse.eventlog.types import StoredEvent
from teahouse.matrix import auth_rules
from teahouse.matrix.room_versions import ROOM_VERSIONS

CREATOR = "@creator:tea.test"
SENDER = "@sender:tea.test"
TARGET = "@target:tea.test"


class Room:
    """A room made by CREATOR, with state put in place as a test wishes."""

    def __init__(self, version: str = "11", **levels: Any) -> None:
        self.state = RoomState(1, "!room", ROOM_VERSIONS[version], listed=False)
        self._pos = 0
        self.put("m.room.create", "", {"room_version": version}, CREATOR)
        self.member(CREATOR, "join")
        if levels:
            self.put("m.room.power_levels", "", levels, CREATOR)

    def put(self, event_type: str, state_key: str, content: Mapping[str, Any], sender: str = CREATOR) -> Room:
        """Put a state event in place, whatever the rules say."""
        self._pos += 1
        event = StoredEvent(self._pos, 1, f"${self._pos}", sender, 1, event_type, state_key, content, 0, b"{}")
        self.state.set(event_type, state_key, event)
        return self

    def member(self, user: str, membership: str | None) -> Room:
        """Give a user a membership; None leaves them without any."""
        return self if membership is None else self.put("m.room.member", user, {"membership": membership}, user)

    def rule(self, join_rule: str) -> Room:
        """Set the join rule."""
        return self.put("m.room.join_rules", "", {"join_rule": join_rule})

    def allows(
        self, sender: str, event_type: str, state_key: str | None, content: Mapping[str, Any], via: str | None = None
    ) -> bool:
        """Whether the rules let an event in."""
        try:
            auth_rules.authorise(
                self.state, sender=sender, event_type=event_type, state_key=state_key, content=content,
                authorised_via=via,
            )  # fmt: skip
        except (Forbidden, BadJson):
            return False
        return True

    def allows_member(self, sender: str, target: str, membership: str, via: str | None = None) -> bool:
        """Whether the rules let a change of membership happen."""
        return self.allows(sender, "m.room.member", target, {"membership": membership}, via)
