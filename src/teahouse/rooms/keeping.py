"""What slices that keep rooms of their own share."""

from __future__ import annotations

from typing import Any

import msgspec

from teahouse.eventlog.identifiers import Identifiers
from teahouse.eventlog.state import RoomState
from teahouse.eventlog.types import StoredEvent
from teahouse.rooms.types import Reader


def echo(
    identifiers: Identifiers, reader: Reader, state: RoomState, pos: int, kind: str, content: dict[str, Any], ts: int
) -> StoredEvent:
    """What a reader did in a kept room, as the event that they alone see of it.

    It stands in no log: `pos` is the deed's position, which no other event has, and makes its id. `ts` in ms.
    """
    event_id = identifiers.event_id(pos, state.room_no)
    shape = {"type": kind, "sender": reader.user_id, "content": content, "event_id": event_id, "origin_server_ts": ts}
    if kind == "m.room.redaction":
        shape["redacts"] = content["redacts"]
    encoded = msgspec.json.encode(shape)
    return StoredEvent(
        pos, state.room_no, event_id, reader.user_id, reader.user_no, kind, None, content, ts, encoded
    )  # fmt: skip
