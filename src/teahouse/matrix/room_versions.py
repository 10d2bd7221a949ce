"""The room versions this server makes and keeps, and in what they differ for a server without federation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RoomVersion:
    """What a room version changes."""

    name: str
    redacts_in_content: bool  # 11: `redacts` moved into the content
    privileged_creators: bool  # 12: creators stand above all power levels
    bare_room_ids: bool  # 12: a room id is the create event's id, without a server name
    create_kept_whole: bool  # 11: redaction keeps all of a create event's content


ROOM_VERSIONS: Mapping[str, RoomVersion] = {
    "10": RoomVersion("10", False, False, False, False),
    "11": RoomVersion("11", True, False, False, True),
    "12": RoomVersion("12", True, True, True, True),
}
