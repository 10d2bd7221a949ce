"""Mail: written with its cause, delivered at least once, given up in the end."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from teahouse.db import Transaction
from teahouse.errors import CapabilityDisabled, InvalidParam, TooLarge, Unavailable
from teahouse.outbound import mail as mail_module
from teahouse.outbound.letters import TEXT_MAX_CHARACTERS
from teahouse.outbound.mail import ATTEMPTS_MAX, FAILED_KEPT_MS, UNREACHED_WAIT_MAX_MS, WAIT_MAX_MS, WAIT_MS
from teahouse.outbound.types import Letter
from tests.clock import ManualClock
from tests.databases import Place
from tests.outbound.sink import Sink, sink
from tests.world import World, world

SENDER = "Teahouse <post@tea.test.example>"
GUEST = "guest@example.org"


@asynccontextmanager
async def mailing(place: Place, folder: Path, clock: ManualClock, url: str) -> AsyncIterator[World]:
    async with world(place, folder / "data", clock, mail__smtp_url=url, mail__sender=SENDER) as made:
        yield made


@pytest.fixture
async def post() -> AsyncIterator[Sink]:
    async with sink() as made:
        yield made


@pytest.fixture
async def tea(place: Place, tmp_path: Path, clock: ManualClock, post: Sink) -> AsyncIterator[World]:
    async with mailing(place, tmp_path, clock, post.url) as made:
        yield made


async def write(tea: World, *recipients: str, **more: Any) -> None:
    async with tea.app.database.transaction() as tx:
        for recipient in recipients:
            await tea.app.mail.write(tx, Letter(recipient, "Tea is ready", "Come.\n.\nŚŕ 茶\n", **more))


async def waiting(tea: World) -> list[tuple[int, str]]:
    rows = await tea.database.fetch("SELECT attempts, failure FROM mail_outbox WHERE failed_ms = 0 LIMIT 1000")
    return [(row[0], row[1]) for row in rows]


async def deliver_after(tea: World, ms: int) -> None:
    tea.clock.pass_ms(ms)
    await tea.app.mail.deliver()


async def test_a_mail_arrives_by_itself_once_its_cause_is_committed(tea: World, post: Sink) -> None:
    await write(tea, GUEST, unsubscribe="https://tea.test/leave?t=1")
    (taken,) = await post.until(1)
    await tea.app.mail.deliver()  # returns after the carrier noted it
    message = taken.message
    assert (taken.sender, taken.recipient) == ("post@tea.test.example", GUEST)
    assert (message["From"], message["To"], message["Subject"]) == (SENDER, GUEST, "Tea is ready")
    assert taken.text.replace("\r\n", "\n") == "Come.\n.\nŚŕ 茶\n"
    assert message.get_content_type() == "text/plain"
    assert message["List-Unsubscribe"] == "<https://tea.test/leave?t=1>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Message-ID"].endswith("@tea.test.example>")
    assert message["Auto-Submitted"] == "auto-generated"
    assert await tea.database.fetch("SELECT 1 FROM mail_outbox LIMIT 1") == []


async def test_a_mail_without_unsubscribing_says_nothing_of_it_and_every_id_is_new(tea: World, post: Sink) -> None:
    await write(tea, GUEST, GUEST)
    first, second = await post.until(2)
    assert first.message["List-Unsubscribe"] is None
    assert first.message["Message-ID"] != second.message["Message-ID"]
    assert post.connections == 1


async def test_a_mail_goes_with_its_cause(tea: World, post: Sink) -> None:
    async def undone() -> None:
        async with tea.app.database.transaction() as tx:
            await tea.app.mail.write(tx, Letter(GUEST, "Never", "said"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await undone()
    await write(tea, "other@example.org")
    assert [taken.recipient for taken in await post.until(1)] == ["other@example.org"]


async def test_what_was_refused_for_now_is_tried_again_with_growing_waits(tea: World, post: Sink) -> None:
    post.refusals[GUEST] = "450 greylisted, come back"
    await write(tea, GUEST)
    await tea.app.mail.deliver()
    assert await waiting(tea) == [(1, "450 greylisted, come back")]
    await deliver_after(tea, WAIT_MS - 1)
    assert post.attempts == 1
    await deliver_after(tea, 1)
    assert post.attempts == 2
    await deliver_after(tea, WAIT_MS)
    assert post.attempts == 2
    await deliver_after(tea, WAIT_MS)
    assert post.attempts == 3
    post.refusals.clear()
    await deliver_after(tea, WAIT_MAX_MS)
    assert len(post.taken) == 1
    assert await waiting(tea) == []


async def test_what_is_refused_for_good_is_given_up_at_once_and_stops_no_other(tea: World, post: Sink) -> None:
    told: list[tuple[str, bool]] = []

    async def outcome(tx: Transaction, about: str, *, arrived: bool) -> None:
        told.append((about, arrived))

    tea.app.mail.listen(outcome)
    post.refusals[GUEST] = "550 no such person"
    async with tea.app.database.transaction() as tx:
        await tea.app.mail.write(tx, Letter(GUEST, "Tea", "?", about="first"))
        await tea.app.mail.write(tx, Letter("other@example.org", "Tea", "?", about="second"))
    await post.until(1)
    await tea.app.mail.deliver()
    assert [taken.recipient for taken in post.taken] == ["other@example.org"]
    assert await waiting(tea) == []
    ((failed_ms, attempts, failure),) = await tea.app.mail.failures(10)
    assert (failed_ms, attempts, failure) == (tea.clock.now_ms(), 1, "550 no such person")
    assert sorted(told) == [("first", False), ("second", True)]
    assert await tea.database.fetch("SELECT content FROM mail_outbox LIMIT 2") == [(b"",)]


async def test_a_mail_is_given_up_after_its_last_attempt_and_forgotten_later(tea: World, post: Sink) -> None:
    post.after_mail = "451 disk full"
    await write(tea, GUEST)
    await tea.app.mail.deliver()
    for attempt in range(1, ATTEMPTS_MAX):
        assert await waiting(tea) == [(attempt, "451 disk full")]
        await deliver_after(tea, WAIT_MAX_MS)
    assert await waiting(tea) == []
    assert post.attempts == ATTEMPTS_MAX
    assert [found[1:] for found in await tea.app.mail.failures(10)] == [(ATTEMPTS_MAX, "451 disk full")]
    tea.clock.pass_ms(FAILED_KEPT_MS + 1)
    post.after_mail = "550 go away"
    await write(tea, GUEST)
    await tea.app.mail.deliver()
    assert [found[2] for found in await tea.app.mail.failures(10)] == ["550 go away"]


async def test_restart_delivers_what_waits_and_nothing_twice(
    place: Place, tmp_path: Path, clock: ManualClock, post: Sink
) -> None:
    async with mailing(place, tmp_path, clock, post.url) as tea:
        post.greeting = "421 not now"
        await write(tea, "a@example.org", "b@example.org")
        await tea.app.mail.deliver()
        assert len(await waiting(tea)) == 2
        await tea.restart()
        post.greeting = "220 sink.test"
        await deliver_after(tea, WAIT_MAX_MS)
        assert sorted(taken.recipient for taken in post.taken) == ["a@example.org", "b@example.org"]
        await tea.restart()
        await deliver_after(tea, WAIT_MAX_MS)
        assert len(post.taken) == 2


async def test_a_mail_whose_answer_was_lost_comes_again_with_the_same_id(tea: World, post: Sink) -> None:
    post.vanishes_after_mail = True
    await write(tea, GUEST)
    await post.until(1)
    await tea.app.mail.deliver()
    assert len(await waiting(tea)) == 1
    await tea.restart()
    post.vanishes_after_mail = False
    await deliver_after(tea, WAIT_MAX_MS)
    assert len(post.taken) == 2
    assert post.taken[0].raw == post.taken[1].raw
    assert await waiting(tea) == []


async def test_a_server_that_is_down_gets_pauses_and_then_everything(tea: World, post: Sink) -> None:
    post.greeting = "421 not now"
    await write(tea, *(f"guest{number}@example.org" for number in range(mail_module.BATCH_MAX + 10)))
    await tea.app.mail.deliver()
    assert post.connections == 1  # not once for every batch
    post.greeting = "220 sink.test"
    await deliver_after(tea, UNREACHED_WAIT_MAX_MS)
    await deliver_after(tea, WAIT_MAX_MS)
    assert len({taken.recipient for taken in post.taken}) == len(post.taken) == mail_module.BATCH_MAX + 10


async def test_a_closed_port_loses_nothing(place: Place, tmp_path: Path, clock: ManualClock) -> None:
    async with sink() as gone:
        url, port = gone.url, gone.port
    async with mailing(place, tmp_path, clock, url) as tea:
        await write(tea, GUEST)
        await tea.app.mail.deliver()
        assert [attempts for attempts, _ in await waiting(tea)] == [1]
        async with sink(port) as back:
            await deliver_after(tea, UNREACHED_WAIT_MAX_MS)
            assert [taken.recipient for taken in back.taken] == [GUEST]


async def test_the_server_is_asked_with_name_and_password(
    place: Place, tmp_path: Path, clock: ManualClock, post: Sink
) -> None:
    url = f"smtp://post%40tea:p%20w@127.0.0.1:{post.port}"
    async with mailing(place, tmp_path, clock, url) as tea:
        await write(tea, GUEST)
        await post.until(1)
    assert post.logins == ["post@tea p w"]


async def test_without_a_mail_server_writing_is_refused_by_the_settings_name(place: Place, tmp_path: Path) -> None:
    async with world(place, tmp_path / "data") as tea:
        assert not tea.app.mail.on
        with pytest.raises(CapabilityDisabled, match=r"mail\.smtp_url"):
            await write(tea, GUEST)


@pytest.mark.parametrize(
    "letter",
    [
        Letter("nobody", "Tea", ""),
        Letter("guest@example.org\r\nBcc: all@example.org", "Tea", ""),
        Letter(GUEST, "Tea\r\nBcc: all@example.org", ""),
        Letter(GUEST, "Tea\nBcc: all@example.org", ""),
        Letter(GUEST, "Tea\0", ""),
        Letter(GUEST, "Tea\u2028Bcc: all@example.org", ""),
        Letter(GUEST, "t" * 201, ""),
        Letter(GUEST, "Tea", "", "https://tea.test/>\r\nBcc: all@example.org"),
        Letter(GUEST, "Tea", "", "javascript:alert(1)"),
        Letter(GUEST, "Tea", "x" * (TEXT_MAX_CHARACTERS + 1)),
    ],
)
async def test_a_letter_that_would_break_out_of_its_lines_is_refused(letter: Letter, tea: World, post: Sink) -> None:
    with pytest.raises((InvalidParam, TooLarge)):
        async with tea.app.database.transaction() as tx:
            await tea.app.mail.write(tx, letter)
    await tea.app.mail.deliver()
    assert post.connections == 0


async def test_a_full_outbox_refuses_new_mail_and_keeps_the_old(
    tea: World, post: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    post.greeting = "421 not now"
    monkeypatch.setattr(mail_module, "OUTBOX_MAX", 2)
    await write(tea, GUEST, GUEST)
    await tea.app.mail.deliver()
    with pytest.raises(Unavailable):
        await write(tea, GUEST)
    assert len(await waiting(tea)) == 2
    await tea.restart()
    with pytest.raises(Unavailable):
        await write(tea, GUEST)
    post.greeting = "220 sink.test"
    await deliver_after(tea, WAIT_MAX_MS)
    await write(tea, GUEST)
    await post.until(3)


async def test_nothing_in_the_outbox_can_be_read_without_the_key(tea: World, post: Sink) -> None:
    post.greeting = "421 not now"
    await write(tea, GUEST)
    rows: Sequence[tuple[Any, ...]] = await tea.database.fetch("SELECT * FROM mail_outbox LIMIT 2")
    (row,) = rows
    stored = b"".join(value if isinstance(value, bytes) else str(value).encode() for value in row)
    for secret in (b"guest", b"example.org", b"ready", b"Come"):
        assert secret not in stored


async def test_a_row_that_cannot_be_read_is_given_up_and_stops_no_other(tea: World, post: Sink) -> None:
    """As after a restore of the database without its keys."""
    post.greeting = "421 not now"
    await write(tea, "lost@example.org")
    await tea.app.mail.deliver()
    async with tea.database.transaction() as tx:
        await tx.execute("UPDATE mail_outbox SET content = ?", b"not what was sealed")
    await write(tea, GUEST)
    post.greeting = "220 sink.test"
    await deliver_after(tea, WAIT_MAX_MS)
    assert [taken.recipient for taken in post.taken] == [GUEST]
    assert "secrets.json" in (await tea.app.mail.failures(10))[0][2]
