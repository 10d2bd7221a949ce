"""Following by e-mail: asked twice, written once, left with one click, seen by nobody."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from teahouse.admin.verify import Verification
from teahouse.mailings import service
from teahouse.mailings.service import ASKS_PER_ADDRESS_MAX, CONFIRM_HOURS, DAY_MS, HOUR_MS, POSTS_MAX, RETURNED_MAX
from teahouse.outbound.mail import ATTEMPTS_MAX, WAIT_MAX_MS
from teahouse.posts.types import PostContent, Ref
from teahouse.public_accounts.accounts import publisher
from tests.clock import ManualClock
from tests.databases import Place
from tests.outbound.sink import Sink, Taken, sink
from tests.posts.studio import picture
from tests.public_accounts.newsroom import ACCOUNT, Account, newsroom, opened
from tests.world import World, world

URL = "https://tea.example.org"
MAIL = f"{ACCOUNT}/mail"
GUEST = "guest@example.net"


@asynccontextmanager
async def mailing(place: Place, folder: Path, clock: ManualClock, post: Sink) -> AsyncIterator[World]:
    settings = {"mail__smtp_url": post.url, "mail__sender": "Tea <post@tea.example.org>", "public_url": URL}
    async with world(place, folder / "data", clock, **settings) as made:
        yield made


@pytest.fixture
async def post() -> AsyncIterator[Sink]:
    async with sink() as made:
        yield made


@pytest.fixture
async def tea(place: Place, tmp_path: Path, clock: ManualClock, post: Sink) -> AsyncIterator[World]:
    async with mailing(place, tmp_path, clock, post) as made:
        yield made


@pytest.fixture
async def daily(tea: World) -> Account:
    return (await newsroom(tea))[0]


async def browse(tea: World, method: str, url: str, form: dict[str, str] | None = None) -> httpx.Response:
    """What a browser without an account is answered."""
    transport = httpx.ASGITransport(app=tea.app.http)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
        return await client.request(method, url, data=form)


async def ask(tea: World, address: str = GUEST, handle: str = "daily") -> Any:
    return await tea.ask(None, "POST", MAIL, {"address": address}, handle=handle)


async def posted(tea: World, post: Sink) -> list[Taken]:
    """Everything sent since the last look."""
    await tea.app.mail.deliver()
    found = list(post.taken)
    post.taken.clear()
    return found


def link(mail: Taken, action: str) -> str:
    """The link in a mail that does something."""
    found = re.search(rf"{URL}/mail/\S+/{action}\?token=\S+", mail.text)
    assert found is not None, mail.text
    return found[0]


def token(url: str) -> str:
    return parse_qs(urlsplit(url).query)["token"][0]


async def follow(tea: World, post: Sink, address: str = GUEST, handle: str = "daily") -> None:
    assert (await ask(tea, address, handle)).status == 200
    (mail,) = await posted(tea, post)
    answer = await tea.ask(None, "POST", f"{MAIL}/confirm", {"token": token(link(mail, "confirm"))}, handle=handle)
    assert answer.status == 200


async def count(tea: World, daily: Account) -> Any:
    return (await daily.owner.good("GET", MAIL, handle=daily.handle))["followers"]


async def test_a_stranger_follows_by_pages_alone_and_is_sent_nothing_before_they_confirm(
    tea: World, daily: Account, post: Sink
) -> None:
    assert "e-mail address" in (await browse(tea, "GET", "/mail/daily")).text
    asked = await browse(tea, "POST", "/mail/daily", {"address": GUEST})
    assert asked.status_code == 200
    assert GUEST not in asked.text
    await daily.publish("Before it was confirmed.")
    await tea.app.mailings.deliver()
    (mail,) = await posted(tea, post)
    assert mail.recipient == GUEST
    assert "@daily" in mail.message["Subject"]
    url = link(mail, "confirm")

    looked = await browse(tea, "GET", url)  # as scanners of mail do
    assert "<button>" in looked.text
    assert await count(tea, daily) == "0"

    done = await browse(tea, "POST", url.partition("?")[0], {"token": token(url)})
    assert done.status_code == 200
    await tea.app.mailings.deliver()
    assert await posted(tea, post) == []  # what was posted before is not news
    await daily.publish("Jasmine has come.")
    await tea.app.mailings.deliver()
    (news,) = await posted(tea, post)
    assert "Jasmine has come." in news.text
    assert f"{URL}/@daily/2" in news.text
    assert "Before it was confirmed." not in news.text


async def test_new_posts_come_in_one_mail_and_none_comes_twice(tea: World, daily: Account, post: Sink) -> None:
    await follow(tea, post)
    await daily.publish("First flush.")
    await daily.publish("Second flush.")
    await tea.app.mailings.deliver()
    await tea.app.mailings.deliver()
    (mail,) = await posted(tea, post)
    assert mail.message["Subject"] == "@daily: 2 new posts"
    assert mail.text.index("First flush.") < mail.text.index("Second flush.")
    assert mail.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    await daily.publish("Third flush.", link="https://example.org/third")
    await tea.restart()
    await tea.app.mailings.deliver()
    (mail,) = await posted(tea, post)
    assert mail.message["Subject"] == "@daily: Third flush."
    assert "https://example.org/third" in mail.text
    assert "Second flush." not in mail.text


async def test_a_restart_between_writing_and_sending_sends_each_mail_once(
    tea: World, daily: Account, post: Sink
) -> None:
    await follow(tea, post)
    post.greeting = "421 not now"
    await daily.publish("Pu-erh.")
    await tea.app.mailings.deliver()
    await tea.app.mail.deliver()
    await tea.restart()
    await tea.app.mailings.deliver()
    post.greeting = "220 sink.test"
    tea.clock.pass_ms(WAIT_MAX_MS)
    (mail,) = await posted(tea, post)
    assert "Pu-erh." in mail.text


async def test_every_follower_of_a_long_list_gets_one_mail(
    tea: World, daily: Account, post: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "FOLLOWERS_AT_ONCE", 3)
    monkeypatch.setattr(service, "LISTS_AT_ONCE", 1)
    other = (await newsroom(tea, "weekly"))[0]
    for number in range(7):
        await follow(tea, post, f"guest{number}@example.net")
    await follow(tea, post, GUEST, "weekly")
    await daily.publish("To all.")
    await other.publish("To one.")
    await tea.app.mailings.deliver()
    mails = await posted(tea, post)
    recipients = sorted(mail.recipient for mail in mails if "To all." in mail.text)
    assert recipients == [f"guest{number}@example.net" for number in range(7)]
    assert [mail.recipient for mail in mails if "To one." in mail.text] == [GUEST]
    assert len(mails) == 8


async def test_a_link_to_confirm_works_once_for_its_account_and_its_time(
    tea: World, daily: Account, post: Sink
) -> None:
    await newsroom(tea, "weekly")
    await ask(tea)
    (mail,) = await posted(tea, post)
    good = token(link(mail, "confirm"))

    async def confirm(text: str, handle: str = "daily") -> int:
        return (await tea.ask(None, "POST", f"{MAIL}/confirm", {"token": text}, handle=handle)).status

    number = good.partition(".")[0]
    for bad in ("", ".", "x", f"{number}.", f"{number}.wrong", "9" * 30 + ".x", good[:-1], "1" + good):
        assert await confirm(bad) == 404
    assert await confirm(good, "weekly") == 404
    assert await count(tea, daily) == "0"
    tea.clock.pass_ms(CONFIRM_HOURS * HOUR_MS - 1)
    assert await confirm(good) == 200
    assert await confirm(good) == 404
    assert await count(tea, daily) == "<5"

    await ask(tea, "late@example.net")
    (mail,) = await posted(tea, post)
    tea.clock.pass_ms(CONFIRM_HOURS * HOUR_MS)
    assert await confirm(token(link(mail, "confirm"))) == 404
    tea.clock.pass_ms(1)
    await tea.app.mailings.deliver()
    assert await tea.database.fetch("SELECT 1 FROM mail_followers WHERE confirmed_ms = 0 LIMIT 1") == []


async def test_the_answer_does_not_tell_who_follows(tea: World, daily: Account, post: Sink) -> None:
    await follow(tea, post)
    known, new = await ask(tea, GUEST.upper()), await ask(tea, "new@example.net")
    assert (known.status, known.json) == (new.status, new.json)
    first, second = await posted(tea, post)
    assert "already" in first.message["Subject"]
    assert "confirm?token" not in first.text
    assert "confirm?token" in second.text
    pages = [await browse(tea, "POST", "/mail/daily", {"address": each}) for each in (GUEST, "third@example.net")]
    assert pages[0].text == pages[1].text
    assert await count(tea, daily) == "<5"


async def test_one_address_is_asked_only_so_often_in_a_day_over_all_accounts(
    tea: World, daily: Account, post: Sink
) -> None:
    await newsroom(tea, "weekly")
    answers = [await ask(tea, GUEST, handle) for handle in ("daily", "weekly") * ASKS_PER_ADDRESS_MAX]
    assert {(answer.status, str(answer.json)) for answer in answers} == {(200, "{}")}
    assert len(await posted(tea, post)) == ASKS_PER_ADDRESS_MAX
    await ask(tea, "other@example.net")
    assert len(await posted(tea, post)) == 1
    tea.clock.pass_ms(DAY_MS)
    await ask(tea)
    assert len(await posted(tea, post)) == 1


@pytest.mark.parametrize("restarted", [False, True])
async def test_the_limit_of_addresses_does_not_tell_which_one_was_new(
    tea: World, daily: Account, post: Sink, monkeypatch: pytest.MonkeyPatch, restarted: bool
) -> None:
    await newsroom(tea, "weekly")
    for handle in ("daily", "weekly"):
        await follow(tea, post, "other@example.net", handle)
    await follow(tea, post)
    tea.clock.pass_ms(DAY_MS)
    monkeypatch.setattr(service, "WAITING_PER_ACCOUNT_MAX", 3)
    for handle in ("daily", "weekly"):
        await ask(tea, "mine@example.net", handle)
    if restarted:
        await tea.restart()
    answers = []
    for handle in ("daily", "weekly"):  # one of the two it follows
        answers += [(await ask(tea, address, handle)).status for address in (GUEST, "mine2@example.net", "last@x.org")]
    assert answers[:3] == answers[3:] == [200, 200, 429]


async def test_one_account_gathers_only_so_many_addresses(
    tea: World, daily: Account, post: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "WAITING_PER_ACCOUNT_MAX", 3)
    await follow(tea, post)
    for number in range(2):
        assert (await ask(tea, f"guest{number}@example.net")).status == 200
    assert (await ask(tea, "third@example.net")).status == 429
    assert (await ask(tea)).status == 429  # also for who follows: the refusal must not tell
    monkeypatch.setattr(service, "FOLLOWERS_MAX", 1)
    assert (await ask(tea, "third@example.net")).status == 403


async def test_one_click_leaves_and_takes_back_what_waits(tea: World, daily: Account, post: Sink) -> None:
    await follow(tea, post)
    await follow(tea, post, "stays@example.net")
    await daily.publish("Oolong.")
    await tea.app.mailings.deliver()
    url = next(mail for mail in await posted(tea, post) if mail.recipient == GUEST).message["List-Unsubscribe"][1:-1]
    assert url.startswith("https://")
    assert "<button>" in (await browse(tea, "GET", url)).text
    post.greeting = "421 not now"
    await daily.publish("White.")
    await tea.app.mailings.deliver()
    await tea.app.mail.deliver()

    for _ in range(2):  # leaving again is as good
        assert (await browse(tea, "POST", url, {"List-Unsubscribe": "One-Click"})).status_code == 200
    post.greeting = "220 sink.test"
    tea.clock.pass_ms(WAIT_MAX_MS)
    assert [mail.recipient for mail in await posted(tea, post)] == ["stays@example.net"]
    await daily.publish("Green.")
    await tea.app.mailings.deliver()
    assert [mail.recipient for mail in await posted(tea, post)] == ["stays@example.net"]
    (row,) = await tea.database.fetch("SELECT count(*) FROM mail_followers")
    assert row == (1,)


async def test_a_button_leaves_too_and_a_link_that_was_made_up_does_not(
    tea: World, daily: Account, post: Sink
) -> None:
    await newsroom(tea, "weekly")
    await follow(tea, post)
    await daily.publish("Oolong.")
    await tea.app.mailings.deliver()
    (mail,) = await posted(tea, post)
    good = token(link(mail, "leave"))
    for bad in ("", "x", "leave 1", good[:-4] + "AAAA", "é" * 40):
        assert (await browse(tea, "POST", "/mail/daily/leave", {"token": bad})).status_code == 404
    await tea.ask(None, "POST", f"{MAIL}/leave", {"token": good}, handle="weekly")
    assert await count(tea, daily) == "<5"
    assert (await browse(tea, "POST", "/mail/daily/leave", {"token": good})).status_code == 200
    assert await count(tea, daily) == "0"


async def test_staff_see_a_number_alone_and_nothing_is_stored_in_the_clear(
    tea: World, daily: Account, post: Sink
) -> None:
    for number in range(5):
        assert await count(tea, daily) == ("<5" if number else "0")
        await follow(tea, post, f"guest{number}@example.net")
    assert await count(tea, daily) == "5"
    reader = await tea.person("curious")
    assert (await reader.ask("GET", MAIL, handle="daily")).status == 403
    assert (await tea.ask(None, "GET", MAIL, handle="daily")).status == 401
    await daily.publish("To be sent.")
    post.greeting = "421 not now"
    await tea.app.mailings.deliver()
    await tea.app.mail.deliver()
    for table in ("mail_followers", "mail_outbox", "mail_lists"):
        for row in await tea.database.fetch(f"SELECT * FROM {table} LIMIT 100"):
            for value in row:
                stored = value if isinstance(value, bytes) else str(value).encode()
                assert b"example.net" not in stored
                assert b"guest" not in stored


async def test_what_is_gone_or_was_imported_is_not_mailed(tea: World, daily: Account, post: Sink) -> None:
    await follow(tea, post)
    gone = await daily.publish("Deleted.")
    removed = await daily.publish("Removed.")
    account = await tea.app.public_accounts.require("daily")

    async def nothing(*_: object) -> None:
        pass

    await tea.app.posts.publish_imported(
        publisher(account), account.account_no, PostContent("Old."), 1_000_000_000_000, nothing
    )
    path = {"handle": "daily", "number": str(gone["number"])}
    await daily.owner.good("DELETE", f"{ACCOUNT}/posts/{{number}}", **path)
    await tea.app.removals.remove(Ref(account.account_no, removed["number"]))
    await tea.app.mailings.deliver()
    assert await posted(tea, post) == []
    await daily.publish("Stands.")
    await tea.app.mailings.deliver()
    (mail,) = await posted(tea, post)
    for word in ("Deleted.", "Removed.", "Old."):
        assert word not in mail.text


async def test_every_kind_of_post_reads_as_plain_text_and_a_warning_covers_it(
    tea: World, daily: Account, post: Sink
) -> None:
    await follow(tea, post)
    await daily.publish("", article={"title": "On water", "html": "<p>Soft <b>water</b> &amp; patience.</p>"})
    await daily.publish("", poll={"question": "Milk?", "answers": ["Yes", "No"]})
    await daily.publish("Secret words.", warning="Spoilers")
    await daily.publish("", media=[await picture(daily.owner, "A red cup")])
    await tea.app.mailings.deliver()
    (mail,) = await posted(tea, post)
    for words in ("On water", "Soft water & patience.", "Milk?", "- Yes", "[Spoilers]", "[A red cup]"):
        assert words in mail.text
    assert "Secret words." not in mail.text
    assert "<b>" not in mail.text


async def test_a_day_of_many_posts_is_one_mail_that_counts_the_rest(tea: World, daily: Account, post: Sink) -> None:
    await follow(tea, post)
    for number in range(POSTS_MAX + 3):
        await daily.publish(f"Cup {number:02}.")
    await tea.app.mailings.deliver()
    (mail,) = await posted(tea, post)
    assert mail.message["Subject"] == f"@daily: {POSTS_MAX + 3} new posts"
    assert "Cup 02." not in mail.text
    assert "Cup 03." in mail.text
    assert "3 more" in mail.text


async def test_odd_characters_in_a_post_do_not_stop_the_mail(tea: World, daily: Account, post: Sink) -> None:
    await follow(tea, post)
    await daily.publish("Bell\x07 and \u2028line\x85 breaks\r\nBcc: all@example.net " + "x" * 400)
    await tea.app.mailings.deliver()
    (mail,) = await posted(tea, post)
    assert mail.message["Bcc"] is None
    assert mail.message["Subject"].startswith("@daily: Bell and line breaks Bcc:")


async def test_mails_that_come_back_stop_until_the_follower_confirms_anew(
    tea: World, daily: Account, post: Sink
) -> None:
    await follow(tea, post)
    post.refusals[GUEST] = "550 mailbox full"
    for number in range(RETURNED_MAX + 2):
        await daily.publish(f"Cup {number}.")
        await tea.app.mailings.deliver()
        await tea.app.mail.deliver()
    assert len(await tea.app.mail.failures(100)) == RETURNED_MAX < ATTEMPTS_MAX
    post.refusals.clear()
    await follow(tea, post)
    await daily.publish("Again.")
    await tea.app.mailings.deliver()
    (mail,) = await posted(tea, post)
    assert "Again." in mail.text
    assert "Cup" not in mail.text
    assert await count(tea, daily) == "<5"


async def test_a_mail_that_arrives_makes_up_for_those_that_did_not(tea: World, daily: Account, post: Sink) -> None:
    await follow(tea, post)
    for number in range(RETURNED_MAX * 2):
        if number % (RETURNED_MAX - 1):
            post.refusals[GUEST] = "550 mailbox full"
        else:
            post.refusals.clear()
        await daily.publish(f"Cup {number}.")
        await tea.app.mailings.deliver()
        await tea.app.mail.deliver()
    post.refusals.clear()
    await daily.publish("Still here.")
    await tea.app.mailings.deliver()
    assert "Still here." in (await posted(tea, post))[-1].text


@pytest.mark.parametrize(
    "address", ["", "nobody", "a@b", "guest@example.net\r\nBcc: x@example.net", "<x@y.z>", "a" * 5000]
)
async def test_what_is_no_address_is_refused_with_words(address: str, tea: World, daily: Account, post: Sink) -> None:
    answer = await ask(tea, address)
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")
    shown = await browse(tea, "POST", "/mail/daily", {"address": address + '"><script>'})
    assert shown.status_code == 400
    assert "<script>" not in shown.text
    assert 'role="alert"' in shown.text
    assert await posted(tea, post) == []


async def test_an_unknown_account_has_no_list(tea: World, post: Sink) -> None:
    assert (await ask(tea, GUEST, "nobody")).status == 404
    for method, path in (("GET", ""), ("POST", ""), ("GET", "/confirm"), ("POST", "/confirm"), ("GET", "/leave")):
        assert (await browse(tea, method, f"/mail/nobody{path}")).status_code == 404


async def test_a_server_without_mail_or_without_an_address_says_so(place: Place, tmp_path: Path, post: Sink) -> None:
    async with world(place, tmp_path / "data") as tea:
        await newsroom(tea)
        answer = await ask(tea)
        assert answer.status == 403
        assert "mail.smtp_url" in answer.json["error"]
        assert "mail.smtp_url" in (await browse(tea, "GET", "/mail/daily")).text


async def test_the_page_to_follow_by_leads_there_where_mail_is_on(
    tea: World, place: Place, daily: Account, tmp_path: Path
) -> None:
    followed = (await browse(tea, "GET", "/@daily/follow")).text
    assert 'href="/mail/daily"' in followed
    for language in ("fr", "id", "zh-Hans"):
        assert 'href="/mail/daily"' in (await browse(tea, "GET", f"/@daily/follow?lang={language}")).text


async def test_verify_notices_a_miscounted_list(tea: World, daily: Account, post: Sink) -> None:
    await follow(tea, post)
    database = tea.database
    before = await Verification(database, tea.app.identifiers, database.head, sqlite=False).run()
    assert "by e-mail" not in str(before["found"])
    async with database.transaction() as tx:
        await tx.execute("UPDATE mail_lists SET followers = 7")
    after = await Verification(database, tea.app.identifiers, database.head, sqlite=False).run()
    assert "by e-mail" in str(after["found"])


async def test_looking_for_news_costs_the_same_for_few_and_many_followers(
    tea: World, daily: Account, post: Sink
) -> None:
    async def cost() -> Any:
        before = tea.counted.cost
        await tea.app.mailings.deliver()
        return tea.counted.cost - before

    await follow(tea, post)
    few = await cost()
    rows = [(1_000_000_000 + n, b"%d" % n, b"sealed", 1, b"") for n in range(1_000)]
    account = await tea.app.public_accounts.require("daily")
    async with tea.database.transaction() as tx:
        await tx.execute_many(
            "INSERT INTO mail_followers (follower_no, account_no, address_hash, address, asked_ms, asks, confirmed_ms, "
            f"token_hash, mailed, returned) VALUES (?, {account.account_no}, ?, ?, ?, 1, 1, ?, 0, 0)",
            rows,
        )
    assert await cost() == few


@pytest.mark.parametrize(
    ("language", "asked", "told"),
    [("fr", "par courriel\u202f?", "2 nouvelles publications"), ("zh", "通过邮件接收", "2 篇新帖子"),
     ("de", "by e-mail?", "2 new posts"), ("", "by e-mail?", "2 new posts")],
)  # fmt: skip
async def test_mails_are_in_the_language_of_the_account(
    tea: World, post: Sink, language: str, asked: str, told: str
) -> None:
    account = await opened(await tea.person("owner"), "tidings", about={"language": language})
    assert (await ask(tea, GUEST, "tidings")).status == 200
    (mail,) = await posted(tea, post)
    assert asked in str(mail.message["Subject"])
    answer = await tea.ask(None, "POST", f"{MAIL}/confirm", {"token": token(link(mail, "confirm"))}, handle="tidings")
    assert answer.status == 200
    for number in range(2):
        await account.publish(f"cup {number}")
    await tea.app.mailings.deliver()
    (mail,) = await posted(tea, post)
    assert told in str(mail.message["Subject"])
