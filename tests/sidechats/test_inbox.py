"""The shared inbox: who waits, who takes care of it, what is answered and by whom."""

import asyncio

from tests.posts.studio import picture
from tests.public_accounts.newsroom import ACCOUNT
from tests.public_accounts.newsroom import opened as open_account
from tests.sidechats.desk import CHAT, CHATS, ONE, desk, opened, said
from tests.world import World

HOUR_MS = 3_600_000
FIGURES = f"{ACCOUNT}/chat_figures"


async def test_a_question_travels_through_the_inbox(tea: World) -> None:
    work, reader = await desk(tea)
    room_id = await opened(reader)
    assert await work.listed("waiting") == []  # opened, but nothing written: nobody is told
    await reader.say(room_id, "When do you open?")
    [found] = await work.listed("waiting")
    assert (found["room_id"], found["user_id"], found["state"]) == (room_id, reader.user_id, "waiting")
    since = (await reader.sync())["next_batch"]
    claimed = await work.ask(work.editor, "POST", f"{ONE}/claim", room_id)
    assert (claimed.json["state"], claimed.json["held_by"]) == ("mine", work.editor.user_id)
    assert await work.listed("waiting") == []
    assert [each["room_id"] for each in await work.listed("mine", work.editor)] == [room_id]
    assert [each["held_by"] for each in await work.listed("others")] == [work.editor.user_id]
    await work.answer(work.editor, room_id, "At nine.")
    assert said(await reader.sync(since), room_id) == [(work.account.user_id, "At nine.")]
    [done] = await work.listed("answered")
    assert done["held_by"] == work.editor.user_id
    messages = (await work.owner.good("GET", f"{ONE}/messages", handle="daily", roomId=room_id))["messages"]
    assert [(each["content"]["body"], each.get("author", "")) for each in messages][:2] == [
        ("At nine.", work.editor.user_id),
        ("When do you open?", ""),
    ]
    assert work.editor.user_id not in str(await reader.sync())
    await reader.say(room_id, "Thanks!")
    assert [each["room_id"] for each in await work.listed("mine", work.editor)] == [room_id]
    assert (await work.ask(work.editor, "POST", f"{ONE}/done", room_id)).status == 200
    assert await work.listed("mine", work.editor) == []


async def test_two_who_claim_at_once_are_told_apart(tea: World) -> None:
    work, reader = await desk(tea)
    room_id = await opened(reader)
    await reader.say(room_id)
    tries = [work.ask(who, "POST", f"{ONE}/claim", room_id) for who in (work.owner, work.editor)]
    answers = await asyncio.gather(*tries)
    assert sorted(answer.status for answer in answers) == [200, 409]
    winner, loser = (work.owner, work.editor) if answers[0].status == 200 else (work.editor, work.owner)
    assert (await work.ask(winner, "POST", f"{ONE}/claim", room_id)).status == 200
    for method, template, body in (
        ("POST", f"{ONE}/answers", {"text": "Me too."}), ("POST", f"{ONE}/done", None),
        ("DELETE", f"{ONE}/claim", None),
    ):  # fmt: skip
        refused = await work.ask(loser, method, template, room_id, body)
        assert (refused.status, "colleague" in refused.json["error"]) == (409, True)
    tea.clock.pass_ms(4 * HOUR_MS)
    assert (await work.ask(loser, "POST", f"{ONE}/claim", room_id)).json["held_by"] == loser.user_id
    assert (await work.ask(winner, "POST", f"{ONE}/claim", room_id)).status == 409


async def test_a_claim_survives_a_restart_and_can_be_given_up(tea: World) -> None:
    work, reader = await desk(tea)
    room_id = await opened(reader)
    await reader.say(room_id)
    await work.ask(work.editor, "POST", f"{ONE}/claim", room_id)
    await tea.restart()
    assert [each["held_by"] for each in await work.listed("others")] == [work.editor.user_id]
    assert (await work.ask(work.editor, "DELETE", f"{ONE}/claim", room_id)).status == 200
    assert [each["room_id"] for each in await work.listed("waiting")] == [room_id]


async def test_who_has_a_chat_hands_it_over_to_a_colleague(tea: World) -> None:
    work, reader = await desk(tea)
    room_id = await opened(reader)
    await reader.say(room_id)
    await work.ask(work.editor, "POST", f"{ONE}/claim", room_id)
    handed = await work.ask(work.editor, "PUT", f"{ONE}/claim", room_id, {"user_id": work.owner.user_id})
    assert handed.json["held_by"] == work.owner.user_id
    taken = await work.ask(work.editor, "PUT", f"{ONE}/claim", room_id, {"user_id": work.editor.user_id})
    assert taken.status == 409
    outside = await work.ask(work.owner, "PUT", f"{ONE}/claim", room_id, {"user_id": reader.user_id})
    assert (outside.status, outside.errcode) == (403, "M_FORBIDDEN")
    nobody = await work.ask(work.owner, "PUT", f"{ONE}/claim", room_id, {"user_id": "@nobody:tea.test"})
    assert nobody.status == 404


async def test_one_who_left_the_staff_holds_no_chat_back(tea: World) -> None:
    work, reader = await desk(tea)
    room_id = await opened(reader)
    await reader.say(room_id)
    assert (await work.ask(work.editor, "POST", f"{ONE}/claim", room_id)).status == 200
    assert (await work.ask(work.owner, "POST", f"{ONE}/claim", room_id)).status == 409
    path = {"handle": work.account.handle, "userId": work.editor.user_id}
    await work.owner.good("DELETE", f"{ACCOUNT}/staff/{{userId}}", **path)
    await work.answer(work.owner, room_id, "Here I am.")
    assert (await work.ask(work.editor, "POST", f"{ONE}/claim", room_id)).status == 403
    assert "Here I am." in [text for _, text in said(await reader.sync(), room_id)]


async def test_a_retried_answer_is_said_once(tea: World) -> None:
    work, reader = await desk(tea)
    room_id = await opened(reader)
    await reader.say(room_id)
    first = await work.answer(work.owner, room_id, "Yes.", txn_id="a")
    await tea.restart()
    assert await work.answer(work.owner, room_id, "Yes.", txn_id="a") == first
    shown = [text for _, text in said(await reader.sync(), room_id)]
    assert shown.count("Yes.") == 1


async def test_a_picture_and_a_canned_answer_are_answers(tea: World) -> None:
    work, reader = await desk(tea)
    room_id = await opened(reader)
    await reader.say(room_id)
    canned = await work.owner.good(
        "POST", f"{ACCOUNT}/canned_answers", {"name": "Hours", "answer": "Nine to five."}, handle="daily"
    )
    await work.answer(work.editor, room_id, "", canned_id=canned["id"])
    media = await picture(work.editor, "Our door")
    await work.answer(work.editor, room_id, "", media=media)
    events = (await reader.sync())["rooms"]["join"][room_id]["timeline"]["events"]
    contents = [event["content"] for event in events if event["sender"] == work.account.user_id][-2:]
    assert contents[0]["body"] == "Nine to five."
    assert (contents[1]["msgtype"], contents[1]["url"]) == ("m.image", media["url"])


async def test_the_newest_waiting_comes_first_page_by_page(tea: World) -> None:
    work, _ = await desk(tea)
    rooms = []
    for number in range(5):
        reader = await tea.person(f"r{number}")
        rooms.append(await opened(reader))
        await reader.say(rooms[-1])
        tea.clock.pass_ms(1_000 * (number % 2))  # some of them at the same time
    seen, token = [], None
    while True:
        page = await work.owner.good("GET", CHATS, None, {"limit": 2, "from": token}, handle="daily")
        seen += [each["room_id"] for each in page["chats"]]
        token = page.get("next_batch")
        if token is None:
            break
    assert sorted(seen) == sorted(rooms)
    when = dict(await tea.database.fetch("SELECT room_no, waiting_ms FROM side_chats"))
    times = [when[tea.app.identifiers.room_no(room_id)] for room_id in seen]
    assert times == sorted(times, reverse=True)


async def test_staff_answer_only_those_who_wrote_and_are_there(tea: World) -> None:
    work, reader = await desk(tea)
    room_id = await opened(reader)
    silent = await work.ask(work.owner, "POST", f"{ONE}/answers", room_id, {"text": "Buy!"})
    assert silent.status == 404
    await reader.say(room_id)
    await reader.leave(room_id)
    [found] = await work.listed("answered")
    assert found["left"] is True
    gone = await work.ask(work.owner, "POST", f"{ONE}/answers", room_id, {"text": "Wait!"})
    assert (gone.status, "left" in gone.json["error"]) == (403, True)


async def test_analysts_see_figures_alone_and_strangers_nothing(tea: World) -> None:
    work, reader = await desk(tea)
    analyst = await tea.person("analyst")
    path = {"handle": "daily", "userId": analyst.user_id}
    await work.owner.good("PUT", f"{ACCOUNT}/staff/{{userId}}", {"role": "analyst"}, **path)
    room_id = await opened(reader)
    await reader.say(room_id, "For your eyes only.")
    for who in (analyst, reader):
        for method, template, body in (
            ("GET", CHATS, None), ("GET", f"{ONE}/messages", None), ("POST", f"{ONE}/claim", None),
            ("POST", f"{ONE}/answers", {"text": "x"}), ("POST", f"{ONE}/done", None),
            ("GET", f"{ACCOUNT}/canned_answers", None), ("GET", f"{ACCOUNT}/chat_rules", None),
        ):  # fmt: skip
            assert (await work.ask(who, method, template, room_id, body)).status == 403
    figures = await analyst.good("GET", FIGURES, handle="daily")
    assert (figures["waiting"], figures["conversations"], figures["answered_percent"]) == ("<5", "<5", None)
    assert (await reader.ask("GET", FIGURES, handle="daily")).status == 403


async def test_staff_of_one_account_do_not_reach_anothers_chats(tea: World) -> None:
    work, reader = await desk(tea)
    rival = await tea.person("boss")
    await open_account(rival, "rival")
    room_id = await opened(reader)
    await reader.say(room_id)
    answer = await rival.ask("GET", f"{ONE}/messages", handle="rival", roomId=room_id)
    assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")
    channel = await rival.ask("GET", f"{ONE}/messages", handle="rival", roomId=work.account.room_id)
    assert channel.status == 404
    assert (await rival.ask("GET", f"{ONE}/messages", handle="rival", roomId="!nonsense")).status == 404


async def test_how_well_staff_answer_is_shown_to_all_once_there_are_five(tea: World) -> None:
    work, _ = await desk(tea)
    for number in range(5):
        reader = await tea.person(f"r{number}")
        room_id = await opened(reader)
        await reader.say(room_id, "A question.")
        if number == 0:
            early = (await tea.ask(None, "GET", CHAT, handle="daily")).json
            assert early == {"offered": True}
        tea.clock.pass_ms((number + 1) * 60_000)
        if number < 4:
            await work.answer(work.owner, room_id, "An answer.")
            await reader.say(room_id, "Thanks!")  # of the same conversation
    shown = (await tea.ask(None, "GET", CHAT, handle="daily")).json
    assert shown == {"offered": True, "answered_percent": 80, "first_answer_minutes": 2}
    figures = await work.owner.good("GET", FIGURES, handle="daily")
    assert (figures["waiting"], figures["conversations"]) == (5, 5)
    tea.clock.pass_ms(31 * 24 * HOUR_MS)
    assert (await tea.ask(None, "GET", CHAT, handle="daily")).json == {"offered": True}


async def test_bad_requests_are_refused_clearly(tea: World) -> None:
    work, reader = await desk(tea)
    room_id = await opened(reader)
    await reader.say(room_id)
    for body, status in (
        ({"text": " "}, 400), ({"text": "x" * 4_001}, 413), ({"canned_id": "7"}, 404), ({"text": 1}, 400), ({}, 400),
        ({"media": {"url": "http://x", "mimetype": "image/png", "description": "x"}}, 400),
        ({"media": {"url": "mxc://tea.test/x", "mimetype": "image/png", "description": "x"}}, 400),
        ({"media": await picture(reader)}, 400),  # not the staff's own
    ):  # fmt: skip
        assert (await work.ask(work.owner, "POST", f"{ONE}/answers", room_id, body)).status == status
    wrong = await work.owner.ask("GET", CHATS, None, {"state": "lost"}, handle="daily")
    assert (wrong.status, wrong.errcode) == (400, "M_INVALID_PARAM")
    for token in ("x", "9" * 40 + "_1", "-1_-1"):
        assert (await work.owner.ask("GET", CHATS, None, {"from": token}, handle="daily")).status == 200
    assert [each["room_id"] for each in await work.listed("waiting")] == [room_id]
