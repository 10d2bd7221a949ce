"""The shape of events: sizes, redaction, relations, mentions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from teahouse.matrix.room_versions import RoomVersion

EVENT_SIZE_MAX_BYTES = 65_536  # Client-Server API, "Size limits"
NAME_SIZE_MAX_BYTES = 255  # Client-Server API, "Size limits": sender, room_id, state_key, type, event_id
MOMENT = "io.teahouse.moment"  # content of a moment: whose it is
POST = "io.teahouse.post"  # content of a public account's post: whose it is, and its number
MENTIONS_MAX = 50  # users one event can highlight by name; more are delivered without a highlight

_TOP_LEVEL_KEPT = ("event_id", "type", "room_id", "sender", "state_key", "content", "origin_server_ts")
_KEPT: Mapping[str, tuple[str, ...]] = {
    "m.room.member": ("membership", "join_authorised_via_users_server"),
    "m.room.create": ("creator",),
    "m.room.join_rules": ("join_rule", "allow"),
    "m.room.power_levels": (
        "ban", "events", "events_default", "kick", "redact", "state_default", "users", "users_default",
    ),
    "m.room.history_visibility": ("history_visibility",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Relation:
    """How an event relates to another."""

    rel_type: str
    event_id: str
    key: str | None


def redact(event: Mapping[str, Any], version: RoomVersion) -> dict[str, Any]:
    """What redaction leaves of an event. Source: room versions 9 and 11, "Redactions"."""
    event_type = event["type"]
    content = event["content"]
    kept: dict[str, Any]
    if version.create_kept_whole and event_type == "m.room.create":
        kept = dict(content)
    elif version.redacts_in_content and event_type == "m.room.redaction":
        kept = {key: content[key] for key in ("redacts",) if key in content}
    else:
        keys: tuple[str, ...] = _KEPT.get(event_type, ())
        if version.redacts_in_content and event_type == "m.room.power_levels":
            keys = (*keys, "invite")
        kept = {key: content[key] for key in keys if key in content}
    if version.redacts_in_content and event_type == "m.room.member":
        invite = content.get("third_party_invite")
        if isinstance(invite, dict) and "signed" in invite:
            kept["third_party_invite"] = {"signed": invite["signed"]}
    pruned = {key: event[key] for key in _TOP_LEVEL_KEPT if key in event}
    pruned["content"] = kept
    return pruned


def relation(content: Mapping[str, Any]) -> Relation | None:
    """The relation an event declares, or None. A plain reply declares none."""
    relates_to = content.get("m.relates_to")
    if not isinstance(relates_to, dict):
        return None
    rel_type, event_id, key = relates_to.get("rel_type"), relates_to.get("event_id"), relates_to.get("key")
    if not isinstance(rel_type, str) or not isinstance(event_id, str) or "\0" in rel_type:
        return None
    return Relation(rel_type, event_id, key if isinstance(key, str) and "\0" not in key else None)


def replaces(content: Mapping[str, Any]) -> bool:
    """Whether an event only replaces what another one says; told by the kind of relation alone, as push rules do."""
    relates_to = content.get("m.relates_to")
    return isinstance(relates_to, dict) and relates_to.get("rel_type") == "m.replace"


def mentioned_users(content: Mapping[str, Any]) -> Sequence[str]:
    """The users an event mentions by name. Source: Client-Server API, "User and room mentions"."""
    mentions = content.get("m.mentions")
    users = mentions.get("user_ids") if isinstance(mentions, dict) else None
    if not isinstance(users, list):
        return ()
    return [user for user in users[:MENTIONS_MAX] if isinstance(user, str)]


def mentions_room(content: Mapping[str, Any]) -> bool:
    """Whether an event mentions everybody in the room."""
    mentions = content.get("m.mentions")
    return isinstance(mentions, dict) and mentions.get("room") is True


def only_fields(event: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    """An event cut down to dotted fields. Source: Client-Server API, "POST /user/{userId}/filter", event_fields."""
    cut: dict[str, Any] = {}
    for field in fields:
        path = dotted(field)
        value: Any = event
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if value is None:
            continue
        target = cut
        for key in path[:-1]:
            target = target.setdefault(key, {})
        target[path[-1]] = value
    return cut


def dotted(field: str) -> list[str]:
    """A dotted path split at its dots; a backslash takes a dot's (or a backslash's) meaning away."""
    parts, part = [], ""
    characters = iter(field)
    for character in characters:
        if character == "\\":
            following = next(characters, "")
            part += following if following in (".", "\\") else character + following
        elif character == ".":
            parts.append(part)
            part = ""
        else:
            part += character
    return [*parts, part]
