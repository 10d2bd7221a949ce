"""Who may do what for an account: every endpoint against every role, as it describes itself; and who nobody can be."""

from __future__ import annotations

import re

import pytest

from teahouse.errors import Forbidden
from tests.public_accounts.newsroom import ACCOUNT, ACCOUNTS, POST, POSTS, Account, newsroom, opened
from tests.world import Person, World

STAFF = f"{ACCOUNT}/staff/{{userId}}"
PREFIX = "/_teahouse/v1/accounts/{handle}"
ORDER = {"": 0, "analyst": 1, "editor": 2, "owner": 3}
SAID = re.compile(r"\((owners|editors|analysts|its staff|staff)\b[^)]*\)")
ROLES = {"owners": "owner", "editors": "editor", "analysts": "analyst", "its staff": "analyst", "staff": "analyst"}
REFUSED = "For this you must be"


async def staffed(tea: World, account: Account) -> dict[str, Person]:
    """Somebody in every role, and somebody in none."""
    people = {"": await tea.person("nobody-here")}
    for role in ("analyst", "editor", "owner"):
        people[role] = await tea.person(f"the-{role}")
        await give(account, people[role], role)
    return people


async def give(account: Account, person: Person, role: str) -> None:
    """Give somebody a role."""
    await account.owner.good("PUT", STAFF, {"role": role}, handle=account.handle, userId=person.user_id)


async def test_every_endpoint_is_open_to_the_roles_that_its_description_names_and_to_no_others(tea: World) -> None:
    account, reader = await newsroom(tea)
    await account.publish()
    at = {"handle": "daily", "number": "1"}
    await reader.good("POST", f"{POST}/comments", {"body": "Good."}, **at)
    people = await staffed(tea, account)
    checked, wrong = 0, []
    for operation in tea.app.operations:
        route = operation.route
        if not route.template.startswith(PREFIX):
            continue
        said = SAID.search(operation.summary)
        needed = ROLES[said[1]] if said else ""
        for role, person in people.items():
            names = re.findall(r"\{(\w+)\}", route.template)
            path = {name: {"handle": "daily", "userId": reader.user_id}.get(name, "1") for name in names}
            answer = await person.ask(route.method, route.template, {}, None, **path)
            refused = answer.status == 403 and REFUSED in str(answer.json)
            if refused != (ORDER[role] < ORDER[needed]):
                wrong.append(
                    f"{route.method} {route.template} ({needed or 'everyone'}): {role or 'nobody'} got {answer}"
                )
            checked += 1
    assert wrong == []
    assert checked > 100


async def test_comments_are_hidden_by_editors(tea: World) -> None:
    account, reader = await newsroom(tea)
    await account.publish()
    comment = await reader.good("POST", f"{POST}/comments", {"body": "Good."}, handle="daily", number="1")
    people = await staffed(tea, account)
    template = "/_teahouse/v1/comments/{commentId}/hidden"
    statuses = {
        role: (await person.ask("PUT", template, {}, commentId=comment["comment_id"])).status
        for role, person in people.items()
    }
    assert statuses == {"": 403, "analyst": 403, "editor": 200, "owner": 200}


async def test_an_analyst_may_not_publish_by_any_door(tea: World) -> None:
    account, reader = await newsroom(tea)
    await give(account, reader, "analyst")
    refused = await reader.ask("POST", POSTS, {"content": {"text": "x"}}, handle="daily")
    assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")
    template = "/rooms/{roomId}/send/m.room.message/{txnId}"
    for person in (reader, account.owner):
        body = {"msgtype": "m.text", "body": "x"}
        assert (await person.ask("PUT", template, body, roomId=account.room_id, txnId="1")).status == 403


async def test_the_last_owner_stays(tea: World) -> None:
    account, reader = await newsroom(tea)
    for body, method in (({"role": "editor"}, "PUT"), (None, "DELETE")):
        refused = await account.owner.ask(method, STAFF, body, handle="daily", userId=account.owner.user_id)
        assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")
    await give(account, reader, "owner")
    await account.owner.good("DELETE", STAFF, handle="daily", userId=account.owner.user_id)
    assert (await reader.ask("DELETE", STAFF, handle="daily", userId=reader.user_id)).status == 403
    assert (await account.owner.ask("POST", POSTS, {"content": {"text": "x"}}, handle="daily")).status == 403


async def test_staff_go_by_themselves_and_owners_let_them_go(tea: World) -> None:
    account, _ = await newsroom(tea)
    people = await staffed(tea, account)
    editor, analyst = people["editor"], people["analyst"]
    assert (await analyst.ask("DELETE", STAFF, handle="daily", userId=editor.user_id)).status == 403
    await editor.good("DELETE", STAFF, handle="daily", userId=editor.user_id)
    await people["owner"].good("DELETE", STAFF, handle="daily", userId=analyst.user_id)
    for person in (editor, analyst):
        assert (await person.good("GET", "/_teahouse/v1/my/accounts"))["accounts"] == []


async def test_who_closes_their_own_account_works_for_none_and_the_operator_s_staff_appoint_another(tea: World) -> None:
    account, reader = await newsroom(tea)
    token = await account.owner.good(
        "POST", f"{ACCOUNT}/tokens", {"name": "press", "scopes": ["publish"]}, handle="daily"
    )
    operator = await tea.person("operator-of-it")
    async with tea.database.transaction() as tx:
        await tx.execute("UPDATE users SET admin = 1 WHERE user_no = ?", operator.user_no)
    early = await operator.ask("PUT", STAFF, {"role": "owner"}, handle="daily", userId=operator.user_id)
    assert (early.status, early.errcode) == (403, "M_FORBIDDEN")
    await account.publish("Before.")
    await tea.app.accounts.close(account.owner.user_no)
    assert await tea.database.fetch("SELECT user_no FROM account_staff") == []
    program = await tea.ask(token["token"], "POST", POSTS, {"content": {"text": "x"}}, None, handle="daily")
    assert program.status == 401
    assert (await reader.good("GET", POST, handle="daily", number="1"))["state"] == "standing"
    stranger = await reader.ask("PUT", STAFF, {"role": "owner"}, handle="daily", userId=reader.user_id)
    assert stranger.status == 403
    less = await operator.ask("PUT", STAFF, {"role": "editor"}, handle="daily", userId=reader.user_id)
    assert less.status == 403
    await operator.good("PUT", STAFF, {"role": "owner"}, handle="daily", userId=reader.user_id)
    await reader.good("POST", POSTS, {"content": {"text": "After."}}, handle="daily")
    again = await operator.ask("PUT", STAFF, {"role": "owner"}, handle="daily", userId=operator.user_id)
    assert again.status == 403


async def test_only_people_who_are_there_work_for_an_account(tea: World) -> None:
    account, reader = await newsroom(tea)
    other = await opened(reader, "weekly", name="Something else")
    gone = await tea.person("gone")
    await tea.app.accounts.close(gone.user_no)
    for user_id, status in (
        (gone.user_id, 404), ("@nobody:tea.test", 404), ("nonsense", 404), (other.user_id, 403), (account.user_id, 403),
    ):  # fmt: skip
        refused = await account.owner.ask("PUT", STAFF, {"role": "editor"}, handle="daily", userId=user_id)
        assert refused.status == status, user_id


async def test_a_personal_account_is_its_person_s_alone(tea: World) -> None:
    reader = await tea.person("ada")
    account = await opened(reader, "ada", "person", name="Ada")
    other = await tea.person("other")
    refused = await reader.ask("PUT", STAFF, {"role": "editor"}, handle="ada", userId=other.user_id)
    assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")
    await account.publish("Mine.")
    await tea.app.accounts.close(reader.user_no)
    shown = await other.good("GET", POST, handle="ada", number="1")
    assert shown["state"] == "standing"


async def test_nobody_becomes_the_user_that_signs_for_an_account(tea: World) -> None:
    account, reader = await newsroom(tea)
    signer = await tea.app.accounts.find("daily")
    login = {"type": "m.login.password", "user": "daily", "password": ""}
    assert (await tea.ask(None, "POST", "/login", login)).status == 403
    with pytest.raises(Forbidden):
        await tea.app.accounts.change_password(signer.user_no, "correct horse", None, logout=True)
    with pytest.raises(Forbidden):
        await tea.app.accounts.close(signer.user_no, "Closed by mistake.", actor="operator")
    with pytest.raises(Forbidden):
        await Person(tea, account.user_id, signer.user_no).device("FIRST")
    register = {"username": "daily", "password": "correct horse", "auth": {"type": "m.login.dummy"}}
    taken = await tea.ask(None, "POST", "/register", register)
    assert (taken.status, taken.errcode) == (400, "M_USER_IN_USE")
    for person in (reader, account.owner):
        for field in ("displayname", "avatar_url"):
            refused = await person.ask(
                "PUT", f"/profile/{{userId}}/{field}", {field: "mxc://tea.test/x"}, userId=account.user_id
            )
            assert refused.status == 403
    room_id = await reader.create(preset="private_chat")
    invited = await reader.ask("POST", "/rooms/{roomId}/invite", {"user_id": account.user_id}, roomId=room_id)
    assert (invited.status, "public account" in invited.json["error"]) == (403, True)
    assert (await account.publish("Still here."))["number"] == 1


async def test_a_handle_that_is_somebody_s_user_name_is_taken(tea: World) -> None:
    _, reader = await newsroom(tea)
    await tea.person("somebody")
    refused = await reader.ask("POST", ACCOUNTS, {"handle": "somebody", "kind": "media", "name": "Name"})
    assert (refused.status, refused.errcode) == (400, "M_USER_IN_USE")
