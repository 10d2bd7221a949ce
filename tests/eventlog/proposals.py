"""Random proposals on a few rooms, for tests of the pure batch."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from teahouse.eventlog.batch import Admitted, Batch, RoomLimits, Verdict
from teahouse.eventlog.identifiers import Identifiers, number_at
from teahouse.eventlog.state import RoomState
from teahouse.eventlog.types import Draft, NewRoom, Proposal, Target, Txn
from teahouse.push.classes import DefaultRules

SERVER = "tea.test"
USERS = [f"@{name}:{SERVER}" for name in ("alice", "bob", "carol")]
NUMBERS = {user: number_at(number + 1, 7) for number, user in enumerate(USERS)}
IDENTIFIERS = Identifiers(b"0123456789abcdef", SERVER, [(1, 1)])
LIMITS = RoomLimits(group_members_max=2, public_members_max=3)
ROOM_POSITIONS = (100, 200)
ROOMS = [number_at(pos, 3) for pos in ROOM_POSITIONS]
NOW_MS = 1_750_000_000_000

users = st.sampled_from(USERS)
memberships = st.sampled_from(["join", "invite", "leave", "ban", "knock", "tea"])
levels = st.sampled_from([0, 50, 100])


def members(user: str, membership: str) -> Draft:
    return Draft("m.room.member", {"membership": membership}, user)


drafts = st.one_of(
    st.builds(members, users, memberships),
    st.builds(lambda body: Draft("m.room.message", {"body": body}), st.sampled_from(["tea", "milk"])),
    st.builds(lambda name: Draft("m.room.name", {"name": name}, ""), st.sampled_from(["tea", "milk"])),
    st.builds(
        lambda user, level, default: Draft(
            "m.room.power_levels", {"users": {USERS[0]: 100, user: level}, "users_default": default}, ""
        ),
        users, levels, levels,
    ),
    st.builds(
        lambda rule: Draft("m.room.join_rules", {"join_rule": rule}, ""),
        st.sampled_from(["public", "invite", "knock", "restricted"]),
    ),
    st.builds(lambda who: Draft("com.example.tea", {"for": who}, who), users),
)  # fmt: skip


@st.composite
def redactions(draw: st.DrawFn) -> Draft:
    """A redaction of the first message or of a state event that was there from the start."""
    sender = draw(users)
    pos = draw(st.integers(1, 20))
    room_no = draw(st.sampled_from(ROOMS))
    event_id = IDENTIFIERS.event_id(pos, room_no)
    json = b'{"type":"m.room.message","sender":"%s","content":{"body":"x"},"event_id":"x"}' % sender.encode()
    target = Target(pos, room_no, event_id, sender, "m.room.message", None, 0, None, relates=False, json=json)
    return Draft("m.room.redaction", {"redacts": event_id}, redacts=target)


@st.composite
def proposals(draw: st.DrawFn) -> Proposal:
    """One or a few events by one sender, into one room that may not exist, sometimes as a retry of another."""
    sender = draw(st.sampled_from([USERS[0], *USERS]))
    room_no = draw(st.sampled_from([*ROOMS, *ROOMS, *ROOMS, number_at(999, 3)]))
    some = draw(st.lists(st.one_of(drafts, drafts, drafts, redactions()), min_size=1, max_size=3))
    txn = draw(st.none() | st.builds(lambda name: Txn(NUMBERS[sender], "D", "send", name), st.sampled_from("ab")))
    via = draw(st.none() | users)
    return Proposal(sender, NUMBERS[sender], some, room_no, txn=txn, authorised_via=via, users=NUMBERS)


@dataclass
class Log:
    """What batches have left: states by room, and the positions handed out."""

    states: Mapping[int, RoomState]
    take: Callable[[int], int]
    answered: dict[tuple[Txn, int], Any]


def positions(first: int = 1_000) -> Callable[[int], int]:
    """Hands out positions one after the other, each only to one proposal."""
    counter = itertools.count(first)

    def take(count: int) -> int:
        taken = [next(counter) for _ in range(count)]
        return taken[0]

    return take


def fresh() -> Log:
    """Two rooms, made by the first user: one public, one for invited people."""
    log = Log({}, positions(), {})
    for pos, rule in zip(ROOM_POSITIONS, ("public", "invite"), strict=True):
        made = [
            Draft("m.room.create", {"room_version": "11"}, ""),
            members(USERS[0], "join"),
            Draft("m.room.join_rules", {"join_rule": rule}, ""),
        ]
        proposal = Proposal(USERS[0], NUMBERS[USERS[0]], made, new_room=NewRoom("11", 3, False), users=NUMBERS)
        [verdict] = admit(Log({}, positions(pos), {}), [proposal], into=log)
        assert isinstance(verdict, Admitted)
    return log


def admit(log: Log, batch: Sequence[Proposal], into: Log | None = None) -> list[Verdict]:
    """Judge a batch and take it over, as the writer does after its commit."""
    judged = Batch(IDENTIFIERS, LIMITS, DefaultRules(), NOW_MS, log.take, dict(log.states), dict(log.answered))
    verdicts = judged.admit(batch)
    after = into or log
    after.states = {**after.states, **judged.changed}
    for proposal, verdict in zip(batch, verdicts, strict=True):
        if isinstance(verdict, Admitted) and proposal.txn is not None:
            after.answered[proposal.txn, proposal.room_no or 0] = verdict.appended
    return verdicts


def told(verdict: Verdict) -> object:
    """A verdict as its sender sees it."""
    if isinstance(verdict, Exception):
        return type(verdict), str(verdict)
    return verdict.appended.event_ids if isinstance(verdict, Admitted) else verdict.event_ids


def shown(state: RoomState) -> object:
    """A state as readers see it."""
    entries = {key: (entry.event_id, dict(entry.content)) for key, entry in state.entries.items()}
    return entries, state.joined, state.present, state.visibility_changes
