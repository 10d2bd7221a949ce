"""Badges by evidence: two of the operator's staff decide, none of the account's; documents are theirs alone, and go."""

from __future__ import annotations

import asyncio
import base64

import pytest

from teahouse.badges.types import EVIDENCE_FILES_MAX, EVIDENCE_KEPT_DAYS, TERM_DAYS
from tests.badges.ministry import (
    BADGE,
    DAY_MS,
    PAPER,
    STAFF,
    VERDICT,
    WISH,
    send,
    shows,
    staff_member,
    verified,
    wished,
)
from tests.public_accounts.newsroom import ACCOUNT, ACCOUNTS, newsroom, opened, timeline
from tests.world import World

STAFF_OF = f"{ACCOUNT}/staff/{{userId}}"
WITHDRAW = f"{STAFF}/accounts/{{handle}}/badge/withdraw"
NONE = ("", "", "")
SHOWN = ("media", "media", "media")


async def test_evidence_takes_two_different_staff(tea: World) -> None:
    account, reader = await newsroom(tea)
    await reader.join(account.room_id)
    first, second = [await staff_member(tea, name) for name in ("first", "second")]
    request_id = await wished(account)
    since = (await reader.sync())["next_batch"]
    said = await first.good("PUT", VERDICT, {"granted": True}, requestId=request_id)
    assert (said["request"]["state"], len(said["verdicts"])) == ("open", 1)
    again = await first.ask("PUT", VERDICT, {"granted": True}, requestId=request_id)
    assert again.status == 409
    assert await shows(tea, account) == NONE
    said = await second.good("PUT", VERDICT, {"granted": True}, requestId=request_id)
    assert said["request"]["state"] == "granted"
    assert await shows(tea, account) == SHOWN
    shown = await reader.good("GET", ACCOUNT, handle="daily")
    assert shown["verified_until_ts"] == tea.clock.now_ms() + TERM_DAYS * DAY_MS
    events = timeline(await reader.sync(since), account.room_id)
    assert [event["content"]["name"] for event in events if event["type"] == "io.teahouse.badge"] == ["The Daily Leaf"]
    own = await account.owner.good("GET", BADGE, handle="daily")
    assert (own["verified"], own["statements"][0]["act"], "request" in own) == ("media", "granted", False)
    await tea.restart()
    assert await shows(tea, account) == SHOWN


async def test_two_who_say_yes_at_once_grant_once(tea: World) -> None:
    account, _ = await newsroom(tea)
    staff = [await staff_member(tea, name) for name in ("first", "second", "third")]
    request_id = await wished(account)
    answers = await asyncio.gather(
        *(person.ask("PUT", VERDICT, {"granted": True}, requestId=request_id) for person in staff)
    )
    assert sum(answer.status == 200 for answer in answers) >= 2
    assert await shows(tea, account) == SHOWN
    own = await account.owner.good("GET", BADGE, handle="daily")
    assert [each["act"] for each in own["statements"]] == ["granted"]


async def test_a_stop_between_the_second_yes_and_the_badge_is_made_good(tea: World) -> None:
    account, _ = await newsroom(tea)
    staff = [await staff_member(tea, name) for name in ("first", "second")]
    request_id = await wished(account)
    async with tea.database.transaction() as tx:
        for person in staff:
            await tx.execute(
                "INSERT INTO badge_verdicts (request_no, staff_no, granted, reason, given_ms) VALUES (?, ?, 1, '', 1)",
                int(request_id), person.user_no,
            )  # fmt: skip
    await tea.restart()
    await tea.app.badges.sweep()
    assert await shows(tea, account) == SHOWN


async def test_a_yes_of_one_who_is_staff_no_more_does_not_count(tea: World) -> None:
    account, _ = await newsroom(tea)
    first, second = [await staff_member(tea, name) for name in ("first", "second")]
    request_id = await wished(account)
    await first.good("PUT", VERDICT, {"granted": True}, requestId=request_id)
    async with tea.database.transaction() as tx:
        await tx.execute("UPDATE users SET admin = 0 WHERE user_no = ?", first.user_no)
    said = await second.good("PUT", VERDICT, {"granted": True}, requestId=request_id)
    assert said["request"]["state"] == "open"
    assert await shows(tea, account) == NONE


async def test_nobody_decides_on_an_account_that_they_work_for(tea: World) -> None:
    account, _ = await newsroom(tea)
    staff = await staff_member(tea, "both")
    await account.owner.good("PUT", STAFF_OF, {"role": "analyst"}, handle="daily", userId=staff.user_id)
    request_id = await wished(account)
    waiting = (await staff.good("GET", f"{STAFF}/badges"))["requests"][0]
    document = waiting["request"]["documents"][0]["document_id"]
    for refused in (
        await staff.ask("PUT", VERDICT, {"granted": True}, requestId=request_id),
        await staff.ask("GET", f"{WISH}/evidence/{{documentId}}", requestId=request_id, documentId=document),
        await staff.ask("POST", WITHDRAW, {"reason": "envy"}, handle="daily"),
    ):
        assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")
        assert "work for" in refused.json["error"]


async def test_one_no_decides_and_its_reason_is_told(tea: World) -> None:
    account, _ = await newsroom(tea)
    staff = await staff_member(tea, "first")
    request_id = await wished(account)
    silent = await staff.ask("PUT", VERDICT, {"granted": False}, requestId=request_id)
    assert (silent.status, silent.errcode) == (400, "M_INVALID_PARAM")
    await staff.good("PUT", VERDICT, {"granted": False, "reason": "The extract is of 1987."}, requestId=request_id)
    own = await account.owner.good("GET", BADGE, handle="daily")
    assert own["statements"][0] == {
        "act": "refused", "reason": "The extract is of 1987.", "done_ts": tea.clock.now_ms()
    }  # fmt: skip
    assert "first" not in str(own)
    late = await (await staff_member(tea, "second")).ask("PUT", VERDICT, {"granted": True}, requestId=request_id)
    assert late.status == 409
    assert await shows(tea, account) == NONE
    await wished(account)


async def test_documents_are_sealed_and_go_thirty_days_after_the_verdict(tea: World) -> None:
    account, reader = await newsroom(tea)
    staff = await staff_member(tea, "first")
    request_id = await wished(account)
    rows = await tea.database.fetch("SELECT name, document FROM badge_evidence")
    assert b"secret" not in bytes(rows[0][0]) + bytes(rows[0][1])
    media = await tea.database.fetch("SELECT count(*) FROM media")
    assert media[0][0] == 0
    [waiting] = (await staff.good("GET", f"{STAFF}/badges"))["requests"]
    document = waiting["request"]["documents"][0]
    at = {"requestId": request_id, "documentId": document["document_id"]}
    read = await staff.good("GET", f"{WISH}/evidence/{{documentId}}", **at)
    assert (read["name"], base64.b64decode(read["content"])) == ("register-secret.pdf", PAPER)
    noted = await tea.database.fetch("SELECT actor, action, subject FROM staff_actions")
    assert noted == [(staff.user_id, "open evidence", "@daily")]
    for person in (reader, account.owner):
        assert (await person.ask("GET", f"{WISH}/evidence/{{documentId}}", **at)).status == 403
    await staff.good("PUT", VERDICT, {"granted": False, "reason": "No."}, requestId=request_id)
    tea.clock.pass_ms(EVIDENCE_KEPT_DAYS * DAY_MS - 1)
    await tea.app.badges.sweep()
    assert (await staff.good("GET", f"{WISH}/evidence/{{documentId}}", **at))["name"] == "register-secret.pdf"
    await tea.restart()
    tea.clock.pass_ms(1)
    assert (await staff.ask("GET", f"{WISH}/evidence/{{documentId}}", **at)).status == 404  # before it is swept, too
    await tea.app.badges.sweep()
    assert await tea.database.fetch("SELECT evidence_no FROM badge_evidence") == []
    assert (await staff.ask("GET", f"{WISH}/evidence/{{documentId}}", **at)).status == 404


async def test_what_is_taken_back_takes_its_documents_along_at_once(tea: World) -> None:
    account, _ = await newsroom(tea)
    staff = await staff_member(tea, "first")
    request_id = await wished(account)
    await account.owner.good("DELETE", f"{BADGE}/request", handle="daily")
    assert await tea.database.fetch("SELECT evidence_no FROM badge_evidence") == []
    late = await staff.ask("PUT", VERDICT, {"granted": True}, requestId=request_id)
    assert late.status == 409
    assert (await staff.good("GET", f"{STAFF}/badges"))["requests"] == []


@pytest.mark.parametrize("end", ["expired", "withdrawn", "given up"])
async def test_all_that_shows_a_badge_goes_when_it_ends(tea: World, end: str) -> None:
    account, staff = await verified(tea)
    assert await shows(tea, account) == SHOWN
    if end == "expired":
        tea.clock.pass_ms(TERM_DAYS * DAY_MS - 1)
        await tea.app.badges.sweep()
        assert await shows(tea, account) == SHOWN
        await tea.restart()
        tea.clock.pass_ms(1)
        assert (await account.owner.good("GET", ACCOUNT, handle="daily"))["verified"] == ""
        await tea.app.badges.sweep()
    elif end == "withdrawn":
        silent = await staff[0].ask("POST", WITHDRAW, {"reason": " "}, handle="daily")
        assert (silent.status, await shows(tea, account)) == (400, SHOWN)
        await staff[0].good("POST", WITHDRAW, {"reason": "The paper closed."}, handle="daily")
    else:
        await account.owner.good("DELETE", BADGE, handle="daily")
    assert await shows(tea, account) == NONE
    own = await account.owner.good("GET", BADGE, handle="daily")
    assert (own["verified"], own["statements"][0]["act"]) == ("", end)
    assert own["statements"][0]["reason"] == ("The paper closed." if end == "withdrawn" else "")
    assert await tea.database.fetch("SELECT form FROM verified_forms") == []
    assert (await account.owner.ask("DELETE", BADGE, handle="daily")).status == 404


async def test_a_badge_is_renewed_by_asking_again(tea: World) -> None:
    account, staff = await verified(tea)
    tea.clock.pass_ms(300 * DAY_MS)
    request_id = await wished(account)
    for person in staff:
        await person.good("PUT", VERDICT, {"granted": True}, requestId=request_id)
    until = (await account.owner.good("GET", ACCOUNT, handle="daily"))["verified_until_ts"]
    assert until == tea.clock.now_ms() + TERM_DAYS * DAY_MS
    tea.clock.pass_ms(100 * DAY_MS)
    await tea.app.badges.sweep()
    assert await shows(tea, account) == SHOWN


async def test_a_badge_vouches_for_one_name(tea: World) -> None:
    account, staff = await verified(tea)
    body = {"name": "The White House", "about": {}}
    refused = await account.owner.ask("PUT", ACCOUNT, body, handle="daily")
    assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")
    same = {"name": "The Daily Leaf", "about": {"description": "News of tea."}}
    await account.owner.good("PUT", ACCOUNT, same, handle="daily")
    other = await opened(account.owner, "harbour", name="The Harbour")
    request_id = await wished(other)
    await other.owner.good("PUT", ACCOUNT, {"name": "The Lighthouse", "about": {}}, handle="harbour")
    late = await staff[0].ask("PUT", VERDICT, {"granted": True}, requestId=request_id)
    assert late.status == 409
    assert "another name" in late.json["error"]


async def test_those_who_look_alike_already_are_listed_and_those_who_come_are_refused(tea: World) -> None:
    account, reader = await newsroom(tea)
    await opened(reader, "leaflet", name="The Dai1y Leaf")
    staff = [await staff_member(tea, name) for name in ("first", "second")]
    request_id = await wished(account)
    for person in staff:
        await person.good("PUT", VERDICT, {"granted": True}, requestId=request_id)
    listed = await staff[0].good("GET", f"{STAFF}/accounts/{{handle}}/lookalikes", handle="daily")
    assert listed == {"accounts": [{"handle": "leaflet", "name": "The Dai1y Leaf"}]}
    assert (await reader.good("GET", ACCOUNT, handle="leaflet"))["name"] == "The Dai1y Leaf"
    late = await reader.ask("POST", ACCOUNTS, {"handle": "other", "kind": "media", "name": "Tbe Daily Leaf"})
    assert (late.status, "@daily" in late.json["error"]) == (409, True)


async def test_people_cannot_write_a_badge_themselves(tea: World) -> None:
    account, reader = await newsroom(tea)
    own = await opened(reader, "reader-daily", "person", name="Reader")
    for person, room_id in ((account.owner, account.room_id), (reader, own.room_id)):
        refused = await person.ask(
            "PUT", "/rooms/{roomId}/state/io.teahouse.badge/", {"kind": "government"}, roomId=room_id
        )
        assert refused.status == 403
    assert await shows(tea, own) == NONE


@pytest.mark.parametrize(
    ("body", "status"),
    [({"name": "x", "content": ""}, 400), ({"name": " ", "content": "eA=="}, 400), ({"name": "x"}, 400),
     ({"name": "x", "content": "no base64!"}, 400), ({"name": "x" * 300, "content": "eA=="}, 413)],
)  # fmt: skip
async def test_documents_that_make_no_sense_are_refused(tea: World, body: dict[str, str], status: int) -> None:
    account, _ = await newsroom(tea)
    await wished(account)
    refused = await account.owner.ask("POST", f"{BADGE}/evidence", body, handle="daily")
    assert refused.status == status


async def test_requests_and_documents_are_bounded_and_belong_to_a_request(tea: World) -> None:
    account, _ = await newsroom(tea)
    content = base64.b64encode(b"x").decode()
    early = await account.owner.ask("POST", f"{BADGE}/evidence", {"name": "x", "content": content}, handle="daily")
    assert early.status == 404
    await wished(account)
    twice = await account.owner.ask("POST", f"{BADGE}/request", {"way": "evidence"}, handle="daily")
    assert twice.status == 409
    for _ in range(EVIDENCE_FILES_MAX - 1):
        await send(account)
    more = await account.owner.ask("POST", f"{BADGE}/evidence", {"name": "x", "content": content}, handle="daily")
    assert (more.status, more.errcode) == (403, "M_FORBIDDEN")


async def test_the_doors_of_staff_are_shut_to_everybody_else(tea: World) -> None:
    account, reader = await newsroom(tea)
    request_id = await wished(account)
    for person in (reader, account.owner):
        for refused in (
            await person.ask("GET", f"{STAFF}/badges"),
            await person.ask("GET", WISH, requestId=request_id),
            await person.ask("PUT", VERDICT, {"granted": True}, requestId=request_id),
            await person.ask("POST", WITHDRAW, {"reason": "x"}, handle="daily"),
            await person.ask("GET", f"{STAFF}/accounts/{{handle}}/lookalikes", handle="daily"),
        ):
            assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")
    staff = await staff_member(tea, "first")
    assert (await staff.ask("GET", WISH, requestId="999999")).status == 404
    assert (await staff.ask("GET", WISH, requestId="x")).status == 400
