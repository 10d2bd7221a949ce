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
        kind = event_type.lower()  # "event_match" does not tell capitals from small letters
        if silent(kind, content):
            return 0
        if events.mentions_room(content) and may_notify_room:
            return EventClass.NOTIFIES | EventClass.HIGHLIGHTS_ROOM
        if kind == "m.room.tombstone" and state_key == "":
            return EventClass.NOTIFIES | EventClass.HIGHLIGHTS_ROOM
        if events.replaces(content) or posted(content):
            return 0
        return EventClass.NOTIFIES if kind in NOTIFYING else 0

    def mentioned(self, event_type: str, content: Content) -> Sequence[str]:
        """User ids whose rule `.m.rule.is_user_mention` matches."""
        return () if silent(event_type.lower(), content) else events.mentioned_users(content)


def silent(kind: str, content: Content) -> bool:
    """Whether one of the rules `.m.rule.suppress_notices` and `.m.rule.member_event` matches."""
    msgtype = content.get("msgtype")
    return kind == "m.room.member" or (isinstance(msgtype, str) and msgtype.lower() == "m.notice")


def posted(content: Content) -> bool:
    """Whether one of the rules matches that keep posts of public accounts and friends' moments silent."""
    marks = ((events.POST, "account"), (events.MOMENT, "author"))
    return any(isinstance(mark := content.get(key), dict) and isinstance(mark.get(field), str) for key, field in marks)
