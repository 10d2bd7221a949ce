"""The class of an event says what the predefined rules say, for every member."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from teahouse.eventlog.types import EventClass
from teahouse.matrix import push_rules
from teahouse.matrix.push_rules import Outcome, PushContext
from teahouse.push.classes import DefaultRules

MEMBERS = ("@alice:tea.test", "@bob:tea.test", "@carol:tea.test")
TYPES = (
    "m.room.message", "m.room.encrypted", "m.call.invite", "m.reaction", "m.room.member", "m.room.tombstone",
    "m.room.server_acl", "m.room.topic", "m.sticker", "org.example",
    "M.Room.Message", "m.Room.Tombstone", "M.ROOM.MEMBER",
)  # fmt: skip
mentions = st.one_of(
    st.sampled_from([None, [], "x", {"user_ids": "x"}, {"room": 1}]),
    st.fixed_dictionaries(
        {},
        optional={
            "room": st.sampled_from([True, False, "true"]),
            "user_ids": st.lists(st.sampled_from((*MEMBERS, 5)), max_size=3),
        },
    ),
)
contents = st.fixed_dictionaries(
    {},
    optional={
        "msgtype": st.sampled_from(["m.text", "m.notice", "M.NOTICE", 5]),
        "body": st.sampled_from(["tea", "alice", "@room"]),
        "membership": st.sampled_from(["invite", "join"]),
        "m.mentions": mentions,
        "m.relates_to": st.sampled_from(
            [
                "x",
                {"rel_type": "m.replace", "event_id": "$e"},
                {"rel_type": "m.replace"},
                {"rel_type": "m.thread", "event_id": "$e"},
                {"rel_type": "m.annotation", "event_id": "$e", "key": "茶"},
                {"m.in_reply_to": {"event_id": "$e"}},
            ]
        ),
    },
)


@settings(max_examples=1_000)
@given(
    event_type=st.sampled_from(TYPES),
    content=contents,
    state_key=st.sampled_from([None, "", MEMBERS[0], "other"]),
    level=st.sampled_from([0, 49, 50, 100]),
    needed=st.sampled_from([None, 0, 50, 75]),
    joined=st.sampled_from([1, 2, 3, 500]),
)
def test_the_class_says_what_the_rules_say_to_every_member(
    event_type: str, content: dict[str, Any], state_key: str | None, level: int, needed: int | None, joined: int
) -> None:
    levels = {} if needed is None else {"room": needed}
    may_notify_room = level >= (50 if needed is None else needed)
    bits = DefaultRules().classify(event_type, content, state_key, may_notify_room)
    named = DefaultRules().mentioned(event_type, content)
    for user_id in MEMBERS:
        event = {"type": event_type, "content": content, "state_key": state_key, "sender": "@dave:tea.test"}
        said = push_rules.evaluate(push_rules.defaults(user_id), event, PushContext(user_id, joined, level, levels))
        if user_id in named:
            assert said == Outcome(True, True)
        elif not (event_type.lower() == "m.room.member" and state_key == user_id):  # invites are a section of sync
            assert said == Outcome(bool(bits & EventClass.NOTIFIES), bool(bits & EventClass.HIGHLIGHTS_ROOM))
