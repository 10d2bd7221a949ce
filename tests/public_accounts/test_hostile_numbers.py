"""Numbers and names without measure are refused, or read as nothing, before a database sees them."""

import pytest

from tests.public_accounts.newsroom import ACCOUNT, ACCOUNTS, POSTS, newsroom
from tests.world import World

LONG = "9" * 19  # more than a database holds
TOKENS = (f"{LONG}_1", f"1_{LONG}", f"{'9' * 5_000}_1", "²_²", "١_١", "-1_-1", "_")


@pytest.mark.parametrize("token", TOKENS)
async def test_a_directory_s_token_that_is_none_leads_to_its_beginning(tea: World, token: str) -> None:
    account, reader = await newsroom(tea)
    page = await reader.good("GET", ACCOUNTS, None, {"from": token})
    assert [each["handle"] for each in page["accounts"]] == [account.handle]
    chats = await account.owner.ask("GET", f"{ACCOUNT}/chats", None, {"from": token}, handle=account.handle)
    assert (chats.status, chats.json["chats"]) == (200, [])


async def test_only_a_number_is_pinned(tea: World) -> None:
    account, _ = await newsroom(tea)
    for number in (2**70, -(2**70), -1):
        refused = await account.owner.ask("PUT", f"{ACCOUNT}/pin", {"number": number}, handle=account.handle)
        assert (refused.status, refused.errcode) == (400, "M_BAD_JSON")


async def test_a_transaction_id_is_short(tea: World) -> None:
    account, _ = await newsroom(tea)
    body = {"content": {"text": "Tea."}, "txn_id": "".join(f"{number:x}" for number in range(5_000))}
    refused = await account.owner.ask("POST", POSTS, body, handle=account.handle)
    assert (refused.status, refused.errcode) == (400, "M_INVALID_PARAM")
    assert (await account.publish("More tea.", comments="everyone"))["number"] == 1


async def test_a_list_of_rooms_refuses_a_token_that_is_none(tea: World) -> None:
    _, reader = await newsroom(tea)
    refused = await reader.ask("GET", "/publicRooms", None, {"since": f"p{LONG}_{LONG}"})
    assert (refused.status, refused.errcode) == (400, "M_INVALID_PARAM")
