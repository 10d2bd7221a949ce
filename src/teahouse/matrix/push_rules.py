"""Push rules: which events notify somebody, and which stand out. Source: Client-Server API, "Push Rules"."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from teahouse.errors import InvalidParam, NoRuleToPlaceBy, NotFound
from teahouse.matrix.events import MOMENT, POST
from teahouse.matrix.globs import edged, fits_whole, found_as_words

TOPIC = "io.teahouse.topic."  # begins the id of a rule that alerts of one topic of a channel
CHANNELS = ".io.teahouse.rule.channels"  # posts of public accounts are silent unless their follower asks for alerts
MOMENTS = ".io.teahouse.rule.moments"  # friends' moments are silent
KINDS = ("override", "content", "room", "sender", "underride")
RULES_MAX = 500  # rules of one user, the default ones included
CONDITIONS_MAX = 20  # conditions of one rule
RULE_ID_MAX_BYTES = 255  # of a rule's id
PATTERN_MAX_CHARACTERS = 1_024  # of a glob
SOUND = {"set_tweak": "sound", "value": "default"}
RING = {"set_tweak": "sound", "value": "ring"}
HIGHLIGHT = {"set_tweak": "highlight"}
NO_HIGHLIGHT = {"set_tweak": "highlight", "value": False}
ACTIONS = ("notify", "dont_notify", "coalesce")  # the last two do nothing, and older clients still set them
ABSENT = object()  # of an event that has no such property

Rule = dict[str, Any]
Ruleset = dict[str, list[Rule]]


@dataclass(frozen=True, slots=True)
class PushContext:
    """What a rule may ask besides the event: the reader, and the room as it stands."""

    user_id: str
    joined_count: int
    sender_level: int
    notification_levels: Mapping[str, int]
    display_name: str | None = None  # the reader's, in the room


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the first matching rule says."""

    notify: bool
    highlight: bool


SILENT = Outcome(False, False)


def rule(rule_id: str, conditions: list[dict[str, Any]], actions: list[Any], *, enabled: bool = True) -> Rule:
    """A predefined rule."""
    return {"rule_id": rule_id, "default": True, "enabled": enabled, "conditions": conditions, "actions": actions}


def match(key: str, pattern: str) -> dict[str, Any]:
    """The condition that a field fits a glob."""
    return {"kind": "event_match", "key": key, "pattern": pattern}


def is_(key: str, value: Any) -> dict[str, Any]:
    """The condition that a field is exactly a value."""
    return {"kind": "event_property_is", "key": key, "value": value}


def escaped(key: str) -> str:
    """A key of content in the dotted spelling of conditions."""
    return key.replace(".", "\\.")


def defaults(user_id: str) -> Ruleset:
    """The predefined rules, in the specification's order. Source: "Predefined Rules"."""
    two = {"kind": "room_member_count", "is": "2"}
    override = [
        rule(".m.rule.master", [], [], enabled=False),
        rule(".m.rule.suppress_notices", [match("content.msgtype", "m.notice")], []),
        rule(
            ".m.rule.invite_for_me",
            [match("type", "m.room.member"), match("content.membership", "invite"), match("state_key", user_id)],
            ["notify", SOUND],
        ),
        rule(".m.rule.member_event", [match("type", "m.room.member")], []),
        rule(
            ".m.rule.is_user_mention",
            [{"kind": "event_property_contains", "key": r"content.m\.mentions.user_ids", "value": user_id}],
            ["notify", SOUND, HIGHLIGHT],
        ),
        rule(
            ".m.rule.is_room_mention",
            [is_(r"content.m\.mentions.room", True), {"kind": "sender_notification_permission", "key": "room"}],
            ["notify", HIGHLIGHT],
        ),
        rule(".m.rule.tombstone", [match("type", "m.room.tombstone"), match("state_key", "")], ["notify", HIGHLIGHT]),
        rule(".m.rule.reaction", [match("type", "m.reaction")], []),
        rule(".m.rule.room.server_acl", [match("type", "m.room.server_acl"), match("state_key", "")], []),
        rule(".m.rule.suppress_edits", [is_(r"content.m\.relates_to.rel_type", "m.replace")], []),
    ]
    underride = [
        rule(CHANNELS, [match(rf"content.{escaped(POST)}.account", "*")], []),
        rule(MOMENTS, [match(rf"content.{escaped(MOMENT)}.author", "*")], []),
        rule(".m.rule.call", [match("type", "m.call.invite")], ["notify", RING]),
        rule(".m.rule.encrypted_room_one_to_one", [two, match("type", "m.room.encrypted")], ["notify", SOUND]),
        rule(".m.rule.room_one_to_one", [two, match("type", "m.room.message")], ["notify", SOUND]),
        rule(".m.rule.message", [match("type", "m.room.message")], ["notify"]),
        rule(".m.rule.encrypted", [match("type", "m.room.encrypted")], ["notify"]),
    ]
    return {"override": override, "content": [], "room": [], "sender": [], "underride": underride}


def with_defaults(stored: Mapping[str, Any] | None, user_id: str) -> Ruleset:
    """The user's rules: their own, and the predefined ones with what the user changed about them."""
    rules = defaults(user_id)
    stored = stored or {}
    for kind in KINDS:
        saved = {each["rule_id"]: each for each in stored.get(kind, []) if isinstance(each, dict)}
        own = [each for each in saved.values() if not each.get("default")]
        for predefined in rules[kind]:
            changed = saved.get(predefined["rule_id"])
            if changed is not None:
                predefined["enabled"] = changed.get("enabled", predefined["enabled"])
                predefined["actions"] = changed.get("actions", predefined["actions"])
        # The master rule goes before everything, also before the user's own.
        head = [each for each in rules[kind] if each["rule_id"] == ".m.rule.master"]
        rules[kind] = [*head, *own, *(each for each in rules[kind] if each not in head)]
    return rules


def evaluate(rules: Ruleset, event: Mapping[str, Any], context: PushContext) -> Outcome:
    """What the first rule that matches says of an event; silence when none does."""
    for kind in KINDS:
        for each in rules[kind]:
            if each.get("enabled", True) and matches(kind, each, event, context):
                return outcome(each.get("actions", []))
    return SILENT


def outcome(actions: Sequence[Any]) -> Outcome:
    """What actions amount to."""
    notify = "notify" in actions
    highlight = any(
        isinstance(action, dict) and action.get("set_tweak") == "highlight" and action.get("value", True) is True
        for action in actions
    )
    return Outcome(notify, notify and highlight)


def matches(kind: str, each: Rule, event: Mapping[str, Any], context: PushContext) -> bool:
    """Whether a rule applies to an event."""
    if kind == "room":
        return bool(each["rule_id"] == event.get("room_id"))
    if kind == "sender":
        return bool(each["rule_id"] == event.get("sender"))
    if kind == "content":
        return fits(each.get("pattern", ""), event, "content.body")
    conditions: Sequence[Mapping[str, Any]] = each.get("conditions", [])
    return all(holds(condition, event, context) for condition in conditions)


def holds(condition: Mapping[str, Any], event: Mapping[str, Any], context: PushContext) -> bool:
    """Whether a condition holds. One that is not known never does."""
    kind, key = condition.get("kind"), condition.get("key", "")
    if kind == "event_match":
        return fits(condition.get("pattern", ""), event, key)
    if kind == "event_property_is":
        return same(field(event, key), condition.get("value", ABSENT))
    if kind == "event_property_contains":
        values = field(event, key)
        return isinstance(values, list) and any(same(value, condition.get("value", ABSENT)) for value in values)
    if kind == "contains_display_name":
        return contains_name(event, context.display_name)
    if kind == "room_member_count":
        return count_fits(str(condition.get("is", "")), context.joined_count)
    if kind == "sender_notification_permission" and isinstance(key, str):
        return context.sender_level >= context.notification_levels.get(key, 50)
    return False


def contains_name(event: Mapping[str, Any], name: str | None) -> bool:
    """Whether the body holds the reader's name, in whole words."""
    body = field(event, "content.body")
    return bool(name) and isinstance(body, str) and edged(str(name), "both", plain=True).search(body) is not None


def fits(pattern: Any, event: Mapping[str, Any], key: str) -> bool:
    """Whether a field fits a glob: as whole words in the body, as a whole elsewhere."""
    value = field(event, key)
    if not isinstance(value, str) or not isinstance(pattern, str):
        return False
    return found_as_words(pattern, value) if key == "content.body" else fits_whole(pattern, value)


def field(event: Mapping[str, Any], key: Any) -> Any:
    """The value at a dotted path, or ABSENT."""
    value: Any = event if isinstance(key, str) else ABSENT
    for part in path_of(key) if isinstance(key, str) else ():
        value = value.get(part, ABSENT) if isinstance(value, Mapping) else ABSENT
    return value


@lru_cache(maxsize=4_096)
def path_of(key: str) -> tuple[str, ...]:
    """A dotted path split; a backslash takes a dot's (or a backslash's) meaning away."""
    parts = re.findall(r"(?:^|\.)((?:\\[.\\]|[^.])*)", key)
    return tuple(re.sub(r"\\([.\\])", r"\1", part) for part in parts)


def same(value: Any, wanted: Any) -> bool:
    """Equality as JSON has it, where true is not 1; of single values alone, not of lists and objects."""
    return type(value) is type(wanted) and isinstance(value, str | int | None) and value == wanted


def count_fits(condition: str, count: int) -> bool:
    """Whether a number of members fits a comparison such as `2`, `>=10`."""
    found = re.fullmatch(r"(==|<=|>=|<|>)?([0-9]{1,9})", condition)
    if found is None:
        return False
    number = int(found[2])
    return {
        "==": count == number,
        "<": count < number,
        ">": count > number,
        "<=": count <= number,
        ">=": count >= number,
    }[found[1] or "=="]


def find(rules: Ruleset, kind: str, rule_id: str) -> Rule:
    """One rule; raises NotFound."""
    for each in checked_kind(rules, kind):
        if each["rule_id"] == rule_id:
            return each
    raise NotFound("There is no such push rule.")


def put(
    rules: Ruleset, kind: str, rule_id: str, body: Mapping[str, Any], before: str | None, after: str | None
) -> None:
    """Add or replace a rule of the user's own."""
    own = checked_kind(rules, kind)
    check_rule(kind, rule_id, body)
    if sum(map(len, rules.values())) >= RULES_MAX:
        raise InvalidParam(f"A user has at most {RULES_MAX} push rules.")
    made: Rule = {"rule_id": rule_id, "default": False, "enabled": True, "actions": list(body["actions"])}
    if kind in ("override", "underride"):
        made["conditions"] = list(body.get("conditions") or [])
    if kind == "content":
        made["pattern"] = body["pattern"]
    place = placed(own, before, after)
    known = [index for index, each in enumerate(own) if each["rule_id"] == rule_id]
    if known:
        made["enabled"] = own[known[0]].get("enabled", True)
    if known and place is None:
        own[known[0]] = made
        return
    for index in reversed(known):
        del own[index]
        if place is not None and index < place:
            place -= 1
    first = 1 if kind == "override" else 0  # directly after the master rule
    own.insert(first if place is None else place, made)


def placed(own: Sequence[Rule], before: str | None, after: str | None) -> int | None:
    """Where a rule goes relative to another of the user's own; None when the client did not say."""
    relative = before if before is not None else after
    if relative is None:
        return None
    for index, each in enumerate(own):
        if each["rule_id"] == relative and not each.get("default"):
            return index if before is not None else index + 1
    raise NoRuleToPlaceBy(f"There is no push rule {relative} of yours to place this one by.")


def delete(rules: Ruleset, kind: str, rule_id: str) -> None:
    """Remove a rule of the user's own."""
    found = find(rules, kind, rule_id)
    if found.get("default"):
        raise InvalidParam("A predefined push rule cannot be removed, but switched off.")
    rules[kind].remove(found)


def check_rule(kind: str, rule_id: str, body: Mapping[str, Any]) -> None:
    """Raises InvalidParam unless this can be a rule of the user's own."""
    if rule_id.startswith(".") or not rule_id or any(c in rule_id for c in "/\\"):
        raise InvalidParam("A rule's id does not begin with a dot and holds no slash or backslash.")
    if len(rule_id.encode()) > RULE_ID_MAX_BYTES:
        raise InvalidParam(f"A rule's id has at most {RULE_ID_MAX_BYTES} bytes.")
    check_actions(body.get("actions"))
    conditions = body.get("conditions") or []
    if not isinstance(conditions, list) or len(conditions) > CONDITIONS_MAX:
        raise InvalidParam(f"'conditions' is a list of at most {CONDITIONS_MAX}.")
    for condition in conditions:
        if not isinstance(condition, dict) or not isinstance(condition.get("kind"), str):
            raise InvalidParam("A condition is an object with a 'kind'.")
        check_pattern(condition.get("pattern", ""))
    if kind == "content":
        if "pattern" not in body:
            raise InvalidParam("A content rule has a 'pattern'.")
        check_pattern(body["pattern"])


def check_actions(actions: Any) -> list[Any]:
    """Raises InvalidParam unless these are actions."""
    if not isinstance(actions, list) or len(actions) > CONDITIONS_MAX:
        raise InvalidParam("'actions' is a short list.")
    for action in actions:
        if action not in ACTIONS and not (isinstance(action, dict) and isinstance(action.get("set_tweak"), str)):
            raise InvalidParam("An action is 'notify' or an object with 'set_tweak'.")
    return actions


def check_pattern(pattern: Any) -> None:
    """Raises InvalidParam unless this is a glob of bounded size."""
    if not isinstance(pattern, str) or len(pattern) > PATTERN_MAX_CHARACTERS:
        raise InvalidParam(f"A pattern is a string of at most {PATTERN_MAX_CHARACTERS} characters.")


def checked_kind(rules: Ruleset, kind: str) -> list[Rule]:
    """The rules of a kind; raises InvalidParam for no kind."""
    if kind not in KINDS:
        raise InvalidParam(f"A push rule is of one of the kinds {', '.join(KINDS)}.")
    return rules[kind]


def end_topic(rules: Ruleset, room_id: str, place: int) -> None:
    """A channel's topic is no more. Who was alerted of it alone is alerted of all posts, as who chose no topic is; who
    was not, or took that rule away, is left alone.
    """
    prefix = f"{TOPIC}{room_id}."
    own = [each["rule_id"] for each in rules["underride"] if each["rule_id"].startswith(prefix)]
    if f"{prefix}{place}" in own:
        delete(rules, "underride", f"{prefix}{place}")
        if len(own) == 1:
            put(rules, "room", room_id, {"actions": ["notify", SOUND]}, None, None)


def alert(rules: Ruleset, room_id: str, *, wanted: bool, topics: Sequence[int]) -> None:
    """Let a channel's posts alert: all of them by a rule of the room's, or those of some topics by a rule for each."""
    for kind, prefix in (("room", room_id), ("underride", f"{TOPIC}{room_id}")):
        for rule_id in [each["rule_id"] for each in rules[kind] if each["rule_id"].startswith(prefix)]:
            delete(rules, kind, rule_id)
    if not wanted:
        return
    actions = ["notify", SOUND]
    if not topics:
        put(rules, "room", room_id, {"actions": actions}, None, None)
    for place in topics:
        # Underride: after the predefined rule that keeps edits silent, before the one that keeps posts silent.
        of_topic = {"kind": "event_property_contains", "key": f"content.{escaped(POST)}.topics", "value": place}
        conditions = [match("room_id", room_id), of_topic]
        put(rules, "underride", f"{TOPIC}{room_id}.{place}", {"actions": actions, "conditions": conditions}, None, None)
