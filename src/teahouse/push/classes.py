"""What the predefined push rules say of an event to every member alike: a pure function, stored as the event's class.

Most users never change a rule, so their unread counts are sums over class bits. What differs between members even
under the predefined rules is kept beside the event: whom it mentions by name, and (not counted) how it sounds.
"""

from __future__ import annotations

from collections.abc import Sequence

from teahouse.eventlog.types import Content, EventClass
from teahouse.matrix import events

NOTIFYING = ("m.room.message", "m.room.encrypted", "m.call.invite")


class DefaultRules:
    """The `Classifier` of the predefined rules."""

    def classify(self, event_type: str, content: Content, state_key: str | None, may_notify_room: bool) -> int:
        """NOTIFIES and HIGHLIGHTS_ROOM, in the order in which the rules are tried."""
        if content.get("msgtype") == "m.notice":
            return 0
        if event_type == "m.room.member":
            return 0
        if events.mentions_room(content) and may_notify_room:
            return EventClass.NOTIFIES | EventClass.HIGHLIGHTS_ROOM
        if event_type == "m.room.tombstone" and state_key == "":
            return EventClass.NOTIFIES | EventClass.HIGHLIGHTS_ROOM
        relation = events.relation(content)
        if relation is not None and relation.rel_type == "m.replace":
            return 0
        return EventClass.NOTIFIES if event_type in NOTIFYING else 0

    def mentioned(self, event_type: str, content: Content) -> Sequence[str]:
        """User ids whose rule `.m.rule.is_user_mention` matches."""
        if event_type == "m.room.member" or content.get("msgtype") == "m.notice":
            return ()
        return events.mentioned_users(content)
