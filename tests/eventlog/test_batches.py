"""What goes in together is judged as if it had come one by one."""

from hypothesis import given, settings
from hypothesis import strategies as st

from teahouse.errors import Forbidden
from teahouse.eventlog.batch import Admitted
from teahouse.eventlog.types import Appended, Draft, Proposal
from tests.eventlog.proposals import LIMITS, NUMBERS, ROOMS, USERS, admit, fresh, members, proposals, shown, told


@settings(max_examples=200, deadline=None)
@given(batch=st.lists(proposals(), max_size=12), cuts=st.sets(st.integers(0, 12)))
def test_splitting_a_batch_changes_no_verdict(batch: list[Proposal], cuts: set[int]) -> None:
    whole, split = fresh(), fresh()
    together = admit(whole, batch)
    apart = []
    for first, last in zip([0, *sorted(cuts)], [*sorted(cuts), len(batch)], strict=True):
        apart += admit(split, batch[first:last])
    assert [told(verdict) for verdict in together] == [told(verdict) for verdict in apart]
    assert {no: shown(state) for no, state in whole.states.items()} == {
        no: shown(state) for no, state in split.states.items()
    }


@settings(max_examples=100, deadline=None)
@given(batch=st.lists(proposals(), max_size=10))
def test_a_refused_proposal_leaves_nothing_behind(batch: list[Proposal]) -> None:
    everything, admitted = fresh(), fresh()
    verdicts = admit(everything, batch)
    kept = [p for p, verdict in zip(batch, verdicts, strict=True) if not isinstance(verdict, Exception)]
    for proposal in kept:
        admit(admitted, [proposal])

    def contents(log_states: object) -> object:
        return {
            no: {key: dict(entry.content) for key, entry in state.entries.items()}
            for no, state in log_states.items()  # type: ignore[attr-defined]
        }

    assert contents(everything.states) == contents(admitted.states)


@settings(max_examples=100, deadline=None)
@given(batch=st.lists(proposals(), max_size=10))
def test_a_batch_changes_no_state_that_readers_hold(batch: list[Proposal]) -> None:
    log = fresh()
    held = dict(log.states)
    before = {no: shown(state) for no, state in held.items()}
    admit(log, batch)
    assert {no: shown(state) for no, state in held.items()} == before


@settings(max_examples=50, deadline=None)
@given(batch=st.lists(proposals(), max_size=10))
def test_rooms_never_hold_more_members_than_their_limit(batch: list[Proposal]) -> None:
    log = fresh()
    admit(log, batch)
    for state in log.states.values():
        limit = LIMITS.public_members_max if state.public else LIMITS.group_members_max
        assert len(state.present) <= limit


def test_the_member_beyond_the_limit_is_refused_with_a_text_and_a_small_room_may_close() -> None:
    log = fresh()
    public, _ = ROOMS
    alice, bob, carol = USERS
    for user in (bob, carol):
        [verdict] = admit(log, [Proposal(user, NUMBERS[user], [members(user, "join")], public, users=NUMBERS)])
        assert isinstance(verdict, Admitted)
    dave = "@dave:tea.test"
    proposal = Proposal(dave, 99, [members(dave, "join")], public, users={dave: 99})
    [verdict] = admit(log, [proposal])
    assert isinstance(verdict, Forbidden)
    assert "3" in str(verdict)
    closing = Draft("m.room.join_rules", {"join_rule": "invite"}, "")
    [verdict] = admit(log, [Proposal(alice, NUMBERS[alice], [closing], public)])
    assert isinstance(verdict, Forbidden)
    admit(log, [Proposal(bob, NUMBERS[bob], [members(bob, "leave")], public, users=NUMBERS)])
    [verdict] = admit(log, [Proposal(alice, NUMBERS[alice], [closing], public)])
    assert isinstance(verdict, Admitted)


def test_setting_the_same_state_again_answers_with_the_event_that_stands() -> None:
    log = fresh()
    alice = USERS[0]
    named = Proposal(alice, NUMBERS[alice], [Draft("m.room.name", {"name": "tea"}, "")], ROOMS[0])
    [first] = admit(log, [named])
    [again] = admit(log, [named])
    assert isinstance(first, Admitted)
    assert isinstance(again, Appended)
    assert again.event_ids == first.appended.event_ids
