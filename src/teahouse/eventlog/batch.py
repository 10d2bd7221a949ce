"""What one commit contains: a pure function from proposals and states to verdicts and new states.

It knows no database, clock or randomness: time and positions are handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from teahouse.errors import BadJson, Forbidden, InvalidRoomState, NotFound, TooLarge
from teahouse.eventlog.identifiers import Identifiers, number_at
from teahouse.eventlog.state import RoomState, version_of
from teahouse.eventlog.types import (
    Appended,
    Classifier,
    Content,
    Draft,
    EventClass,
    Issued,
    NewRoom,
    Proposal,
    StoredEvent,
    Txn,
)
from teahouse.matrix import auth_rules, events

ENVELOPE_BYTES = 256  # room_id, depth and the like, which the stored bytes leave out but the size limit counts

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class RoomLimits:
    """How many may be in a room."""

    group_members_max: int  # joined plus invited, in every room that is not public
    public_members_max: int  # the same in public rooms, whose members are real rows


class Admitted(msgspec.Struct):
    """A proposal that gets in: its events, and what rows besides."""

    events: list[StoredEvent]
    appended: Appended


Verdict = Admitted | Appended | Exception


@dataclass(slots=True)
class Batch:
    """The proposals of one commit being judged, in order."""

    identifiers: Identifiers
    limits: RoomLimits
    classifier: Classifier
    now_ms: int
    take_positions: Callable[[int], int]
    states: Mapping[int, RoomState]  # every room the proposals name
    known: Mapping[tuple[Txn, int], Appended]  # earlier answers to the same requests
    changed: dict[int, RoomState] = field(default_factory=dict)
    _answered: dict[tuple[Txn, int], Appended] = field(default_factory=dict)

    def copy(self) -> Batch:
        """The batch so far, to judge by what may be undone again."""
        return replace(self, changed=dict(self.changed), _answered=dict(self._answered))

    def admit(self, proposals: Sequence[Proposal]) -> list[Verdict]:
        """One verdict per proposal: admitted, the answer of an earlier try, or the refusal."""
        return [self._judge(proposal) for proposal in proposals]

    def state(self, room_no: int) -> RoomState | None:
        """A room's state as the proposals judged so far leave it."""
        return self.changed.get(room_no) or self.states.get(room_no)

    def _judge(self, proposal: Proposal) -> Verdict:
        key = None if proposal.txn is None else (proposal.txn, proposal.room_no or 0)
        if key is not None:
            earlier = self.known.get(key) or self._answered.get(key)
            if earlier is not None:
                return earlier
        try:
            verdict = self._admit_one(proposal)
        except Exception as error:  # a proposal that breaks admission is its sender's 500, nobody else's
            return error
        if key is not None and isinstance(verdict, Admitted):
            # Only what is written is known to the next batch, so only that is known within this one.
            self._answered[key] = Appended(verdict.appended.event_ids, verdict.appended.room_no, repeated=True)
        return verdict

    def _admit_one(self, proposal: Proposal) -> Admitted | Appended:
        if proposal.new_room is None and len(proposal.drafts) == 1:
            unchanged = self._unchanged(proposal)
            if unchanged is not None:
                return unchanged
        trial = Trial(self, proposal)
        trial.run()
        self.changed.update(trial.changed)
        return Admitted(trial.events, Appended(tuple(e.event_id for e in trial.events), trial.room_no))

    def _unchanged(self, proposal: Proposal) -> Appended | None:
        """The current event, when the proposal would put the very same state in its place."""
        draft = proposal.drafts[0]
        assert proposal.room_no is not None
        state = self.state(proposal.room_no)
        if draft.state_key is None or state is None:
            return None
        entry = state.entries.get((draft.type, draft.state_key))
        if entry is None or entry.sender != proposal.sender or entry.content != draft.content:
            return None
        if state.membership(proposal.sender) != "join":
            return None
        return Appended((entry.event_id,), proposal.room_no, repeated=True)


class Trial:
    """One proposal judged draft by draft on its own copies, so that a refusal half way leaves nothing."""

    def __init__(self, batch: Batch, proposal: Proposal) -> None:
        self._batch = batch
        self._proposal = proposal
        self._first = batch.take_positions(len(proposal.drafts))
        self.changed: dict[int, RoomState] = {}
        self.events: list[StoredEvent] = []
        new = proposal.new_room
        self.room_no = number_at(self._first, new.bucket) if new else self._existing()
        self._issued = self._issue(new)

    def run(self) -> None:
        """Admit every draft, or raise the refusal of the first that fails."""
        for offset, draft in enumerate(self._proposal.drafts):
            self.events.append(self._admit(draft, self._first + offset))

    def _existing(self) -> int:
        assert self._proposal.room_no is not None
        return self._proposal.room_no

    def _issue(self, new: NewRoom | None) -> Issued | None:
        if not any(callable(draft.content) for draft in self._proposal.drafts):
            return None
        seal = self._batch.identifiers
        rooms = (self._room_of(draft) for draft in self._proposal.drafts)
        return Issued(
            seal.room_id(self.room_no, new.version) if new else "",
            [seal.event_id(self._first + offset, room_no) for offset, room_no in enumerate(rooms)],
        )

    def _room_of(self, draft: Draft) -> int:
        return self._existing() if draft.old_room else self.room_no

    def _admit(self, draft: Draft, pos: int) -> StoredEvent:
        room_no = self._room_of(draft)
        if "\0" in draft.type or "\0" in (draft.state_key or ""):
            raise BadJson("An event's type and state key hold no NUL characters.")
        content = draft.content(self._issued) if callable(draft.content) and self._issued else draft.content
        assert isinstance(content, Mapping)
        if draft.type == "m.room.history_visibility" and "\0" in str(content.get("history_visibility")):
            raise BadJson("A history visibility holds no NUL characters.")  # it is kept beside the event, as a text
        state = self._state(room_no, draft)
        proposal = self._proposal
        self._authorise(state, draft, content)
        if draft.redacts is not None:
            may_redact(state, proposal.sender, draft.redacts.sender)
        check_size(state, draft, content, self._batch.limits)
        event = self._build(state, draft, content, room_no, pos)
        self._apply(state, draft, event)
        return event

    def _authorise(self, state: RoomState, draft: Draft, content: Content) -> None:
        """Raises the refusal of the rules; of a room that does not exist yet, that it cannot begin so."""
        proposal = self._proposal
        try:
            auth_rules.authorise(
                state,
                sender=proposal.sender,
                event_type=draft.type,
                state_key=draft.state_key,
                content=content,
                authorised_via=proposal.authorised_via,
            )
        except Forbidden as refusal:
            if proposal.new_room is None or draft.old_room:
                raise
            raise InvalidRoomState(refusal.message) from None

    def _state(self, room_no: int, draft: Draft) -> RoomState:
        state = self.changed.get(room_no) or self._batch.state(room_no)
        if state is None:
            new = self._proposal.new_room
            if new is None or room_no != self.room_no:
                raise NotFound("There is no such room.")
            room_id = self._batch.identifiers.room_id(room_no, new.version)
            state = self.changed[room_no] = RoomState(room_no, room_id, version_of(new.version), new.listed)
        return state

    def _build(self, state: RoomState, draft: Draft, content: Content, room_no: int, pos: int) -> StoredEvent:
        proposal = self._proposal
        event_id = self._batch.identifiers.event_id(pos, room_no)
        shape: dict[str, Any] = {
            "type": draft.type,
            "sender": proposal.sender,
            "content": content,
            "event_id": event_id,
            "origin_server_ts": self._batch.now_ms,
        }
        if draft.state_key is not None:
            shape["state_key"] = draft.state_key
        if draft.redacts is not None:
            shape["redacts"] = draft.redacts.event_id
        encoded = _encode(shape)
        if len(encoded) + ENVELOPE_BYTES > events.EVENT_SIZE_MAX_BYTES:
            raise TooLarge(f"The event is larger than {events.EVENT_SIZE_MAX_BYTES} bytes.")
        replaced = None if draft.state_key is None else state.entries.get((draft.type, draft.state_key))
        target = draft.relates_to
        class_, thread_pos = self._classify(state, draft, content, target)
        return StoredEvent(
            pos=pos,
            room_no=room_no,
            event_id=event_id,
            sender=proposal.sender,
            sender_no=proposal.sender_no,
            type=draft.type,
            state_key=draft.state_key,
            content=content,
            origin_server_ts=self._batch.now_ms,
            json=encoded,
            class_=class_,
            thread_pos=thread_pos,
            replaces_pos=None if replaced is None else replaced.pos,
            txn=None if proposal.txn is None else f"{proposal.txn.device_id} {proposal.txn.txn_id}",
        )

    def _classify(self, state: RoomState, draft: Draft, content: Content, target: Any) -> tuple[int, int | None]:
        levels = state.power_levels
        may_notify = levels.user(self._proposal.sender) >= levels.notification("room")
        class_ = self._batch.classifier.classify(draft.type, content, draft.state_key, may_notify)
        if draft.state_key is not None:
            class_ |= EventClass.STATE
        if self._batch.classifier.mentioned(draft.type, content):
            class_ |= EventClass.MENTIONS
        if target is None:
            return class_, None
        relation = events.relation(content)
        class_ |= EventClass.RELATES
        if relation is not None and relation.rel_type == "m.thread":
            return class_, target.pos
        return class_, target.thread_pos

    def _apply(self, state: RoomState, draft: Draft, event: StoredEvent) -> None:
        """Leave the state as the event makes it."""
        if draft.state_key is not None:
            self._own(state).set(draft.type, draft.state_key, event)
        target = draft.redacts or draft.relates_to
        if target is None or target.state_key is None:
            return
        current = state.entries.get((target.type, target.state_key))
        if current is None or current.pos != target.pos:
            return
        if draft.redacts is None:
            changed = msgspec.structs.replace(current, class_=current.class_ | EventClass.HAS_CHILDREN)
        else:
            pruned = events.redact(msgspec.json.decode(current.json), state.version)
            changed = msgspec.structs.replace(
                current, content=pruned["content"], json=_encode(pruned), redacted_pos=event.pos
            )
        self._own(state).set(target.type, target.state_key, changed)

    def _own(self, state: RoomState) -> RoomState:
        """The trial's own copy of a room's state."""
        own = self.changed.get(state.room_no)
        if own is None:
            own = self.changed[state.room_no] = state.copy()
        return own


def may_redact(state: RoomState, sender: str, target_sender: str) -> None:
    """Raises Forbidden unless the sender wrote the target or has the level to redact others'."""
    levels = state.power_levels
    if sender != target_sender and levels.user(sender) < levels.redact:
        raise Forbidden("Only its sender, or a member with the power to redact, can redact this event.")


def check_size(state: RoomState, draft: Draft, content: Content, limits: RoomLimits) -> None:
    """Hold rooms to their number of members. Raises Forbidden with a text for people."""
    if draft.type == "m.room.member" and content.get("membership") in ("join", "invite"):
        limit = limits.public_members_max if state.public else limits.group_members_max
        if draft.state_key not in state.present and len(state.present) >= limit:
            kind = "public room" if state.public else "group"
            raise Forbidden(f"This {kind} is full: it has the most members it may have, {limit}, invitations included.")
    if draft.type == "m.room.join_rules" and content.get("join_rule") != "public":
        size = len(state.present)
        if size > limits.group_members_max:
            raise Forbidden(
                f"This room has {size} members; only a public room may have more than {limits.group_members_max}."
            )
