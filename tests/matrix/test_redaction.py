"""What redaction leaves of an event, in every room version."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teahouse.matrix import events
from teahouse.matrix.room_versions import ROOM_VERSIONS

TYPES = [
    "m.room.message", "m.room.member", "m.room.create", "m.room.join_rules", "m.room.power_levels",
    "m.room.history_visibility", "m.room.redaction", "m.room.aliases", "com.example.tea",
]  # fmt: skip
KEYS = [
    "membership", "join_authorised_via_users_server", "third_party_invite", "creator", "room_version", "join_rule",
    "allow", "ban", "invite", "users", "redacts", "body", "history_visibility", "aliases",
]  # fmt: skip
VALUES = st.one_of(st.text(max_size=5), st.integers(), st.just({"signed": {"token": "t"}, "display_name": "x"}))
EVENTS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(TYPES),
        "content": st.dictionaries(st.sampled_from(KEYS), VALUES),
        "sender": st.just("@a:b"),
        "event_id": st.just("$e"),
        "origin_server_ts": st.just(1),
    },
    optional={"state_key": st.just(""), "unsigned": st.just({"age": 1}), "redacts": st.just("$x")},
)


@pytest.mark.parametrize("version", ROOM_VERSIONS)
@given(event=EVENTS)
def test_redacting_again_changes_nothing_and_nothing_is_added(version: str, event: dict[str, object]) -> None:
    once = events.redact(event, ROOM_VERSIONS[version])
    assert events.redact(once, ROOM_VERSIONS[version]) == once
    assert set(once) <= set(event)
    assert once["content"].items() <= event["content"].items() or event["type"] == "m.room.member"  # type: ignore[attr-defined]
    assert "body" not in once["content"] or event["type"] == "m.room.create"


@pytest.mark.parametrize(
    ("version", "event_type", "kept"),
    [
        ("10", "m.room.create", {"creator"}),
        ("11", "m.room.create", set(KEYS)),
        ("10", "m.room.power_levels", {"ban", "users"}),
        ("11", "m.room.power_levels", {"ban", "users", "invite"}),
        ("10", "m.room.redaction", set()),
        ("11", "m.room.redaction", {"redacts"}),
        ("10", "m.room.member", {"membership", "join_authorised_via_users_server"}),
        ("12", "m.room.member", {"membership", "join_authorised_via_users_server", "third_party_invite"}),
        ("12", "m.room.join_rules", {"join_rule", "allow"}),
        ("12", "m.room.history_visibility", {"history_visibility"}),
        ("12", "m.room.aliases", set()),
        ("12", "m.room.message", set()),
    ],
)
def test_each_version_keeps_what_its_text_names(version: str, event_type: str, kept: set[str]) -> None:
    content = {key: {"signed": {}, "display_name": "x"} if key == "third_party_invite" else key for key in KEYS}
    redacted = events.redact({"type": event_type, "content": content}, ROOM_VERSIONS[version])
    assert set(redacted["content"]) == kept
    if "third_party_invite" in kept and event_type == "m.room.member":
        assert redacted["content"]["third_party_invite"] == {"signed": {}}
