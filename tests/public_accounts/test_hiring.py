"""Who works for an account agreed to it first, or is known to who asks."""

from pathlib import Path

from tests.clock import ManualClock
from tests.databases import Place
from tests.public_accounts.newsroom import ACCOUNT, newsroom
from tests.world import World, world

STAFF = f"{ACCOUNT}/staff/{{userId}}"


async def test_a_stranger_cannot_be_made_the_owner_of_an_account(
    place: Place, clock: ManualClock, tmp_path: Path
) -> None:
    async with world(place, tmp_path / "data", clock, greetings__required=True) as tea:
        account, stranger = await newsroom(tea)
        path = {"handle": account.handle, "userId": stranger.user_id}
        refused = await account.owner.ask("PUT", STAFF, {"role": "owner"}, **path)
        assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")
        chat = await account.owner.create(is_direct=True, invite=[stranger.user_id])
        await stranger.join(chat)
        await account.owner.good("PUT", STAFF, {"role": "editor"}, **path)
        await account.owner.good("DELETE", "/_teahouse/v1/contacts/{userId}", userId=stranger.user_id)
        await account.owner.good("PUT", STAFF, {"role": "owner"}, **path)  # one who is there already is no stranger
        await account.owner.good("DELETE", STAFF, handle=account.handle, userId=account.owner.user_id)


async def test_two_owners_who_dismiss_each_other_leave_one(tea: World) -> None:
    account, other = await newsroom(tea)
    await account.owner.good("PUT", STAFF, {"role": "owner"}, handle=account.handle, userId=other.user_id)
    first = await account.owner.ask("DELETE", STAFF, handle=account.handle, userId=other.user_id)
    second = await other.ask("DELETE", STAFF, handle=account.handle, userId=account.owner.user_id)
    assert (first.status, second.status) == (200, 403)
    alone = await account.owner.ask("DELETE", STAFF, handle=account.handle, userId=account.owner.user_id)
    assert (alone.status, alone.errcode) == (403, "M_FORBIDDEN")
