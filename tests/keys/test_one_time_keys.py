"""One-time keys: counted, claimed once, never brought back; then the fallback key."""

import asyncio
from collections import Counter
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from teahouse.db import Database
from teahouse.errors import InvalidParam, TooLarge
from teahouse.keys.types import ONE_TIME_KEYS_MAX
from tests.keys.people import keys_upload, one_time_key, stage

CURVE = "signed_curve25519"


async def claim_one(keys, device):
    claimed = await keys.device_keys.claim({device.user_id: {device.device_id: CURVE}})
    found = claimed.get(device.user_id, {}).get(device.device_id)
    return None if found is None else next(iter(found))


async def test_concurrent_claims_never_get_the_same_key(database: Database) -> None:
    on = stage(database)
    (phone,) = on.people.add("alice", "PHONE")
    await on.keys.device_keys.upload(phone, keys_upload(*(one_time_key(f"K{n}") for n in range(40))))
    claimed = await asyncio.gather(*(claim_one(on.keys, phone) for _ in range(60)))
    assert Counter(claimed)[None] == 20
    assert max(count for name, count in Counter(claimed).items() if name is not None) == 1


async def test_keys_are_claimed_in_the_order_of_their_uploads(database: Database) -> None:
    on = stage(database)
    (phone,) = on.people.add("alice", "PHONE")
    for key_id in ("Z", "A", "M"):
        await on.keys.device_keys.upload(phone, keys_upload(one_time_key(key_id)))
    assert [await claim_one(on.keys, phone) for _ in range(3)] == [f"{CURVE}:{key_id}" for key_id in "ZAM"]


async def test_a_repeated_upload_does_not_bring_a_claimed_key_back(database: Database) -> None:
    on = stage(database)
    (phone,) = on.people.add("alice", "PHONE")
    upload = keys_upload(one_time_key("A"), one_time_key("B"))
    await on.keys.device_keys.upload(phone, upload)
    first = await claim_one(on.keys, phone)
    counts = await on.keys.device_keys.upload(phone, upload)
    assert counts == {CURVE: 1}
    assert {first, await claim_one(on.keys, phone)} == {f"{CURVE}:A", f"{CURVE}:B"}
    assert await claim_one(on.keys, phone) is None


async def test_another_key_under_the_same_name_is_refused_and_nothing_of_its_upload_stays(database: Database) -> None:
    on = stage(database)
    (phone,) = on.people.add("alice", "PHONE")
    await on.keys.device_keys.upload(phone, keys_upload(one_time_key("A")))
    with pytest.raises(InvalidParam):
        await on.keys.device_keys.upload(phone, keys_upload(one_time_key("B"), one_time_key("A", "coffee")))
    assert (await on.keys.device_keys.counts(phone.user_no, "PHONE")).one_time_keys == {CURVE: 1}


async def test_a_device_may_have_so_many_keys_and_no_more(database: Database) -> None:
    on = stage(database)
    (phone,) = on.people.add("alice", "PHONE")
    keys = [one_time_key(f"K{n}") for n in range(ONE_TIME_KEYS_MAX)]
    assert await on.keys.device_keys.upload(phone, keys_upload(*keys)) == {CURVE: ONE_TIME_KEYS_MAX}
    with pytest.raises(TooLarge):
        await on.keys.device_keys.upload(phone, keys_upload(one_time_key("ONE_MORE")))


async def test_the_fallback_key_is_given_again_and_again_and_counts_as_used(database: Database) -> None:
    on = stage(database)
    (phone,) = on.people.add("alice", "PHONE")
    upload = keys_upload(one_time_key("A"), fallback=[one_time_key("F")])
    await on.keys.device_keys.upload(phone, upload)
    before = await on.keys.device_keys.counts(phone.user_no, "PHONE")
    assert (before.one_time_keys, before.unused_fallback_types) == ({CURVE: 1}, [CURVE])
    assert [await claim_one(on.keys, phone) for _ in range(3)] == [f"{CURVE}:A", f"{CURVE}:F", f"{CURVE}:F"]
    after = await on.keys.device_keys.counts(phone.user_no, "PHONE")
    assert (after.one_time_keys, after.unused_fallback_types) == ({CURVE: 0}, [])
    await on.keys.device_keys.upload(phone, keys_upload(fallback=[one_time_key("F")]))
    assert (await on.keys.device_keys.counts(phone.user_no, "PHONE")).unused_fallback_types == []
    await on.keys.device_keys.upload(phone, keys_upload(fallback=[one_time_key("G")]))
    assert (await on.keys.device_keys.counts(phone.user_no, "PHONE")).unused_fallback_types == [CURVE]


async def test_after_a_restore_no_key_of_before_is_handed_out(database: Database) -> None:
    on = stage(database)
    (phone,) = on.people.add("alice", "PHONE")
    await on.keys.device_keys.upload(phone, keys_upload(one_time_key("A"), fallback=[one_time_key("F")]))
    async with database.transaction() as tx:
        await on.keys.device_keys.drop_one_time_keys(tx)
    assert await claim_one(on.keys, phone) is None
    counts = await on.keys.device_keys.counts(phone.user_no, "PHONE")
    assert (counts.one_time_keys, counts.unused_fallback_types) == ({CURVE: 0}, [])


async def test_keys_of_nobody_are_absent(database: Database) -> None:
    on = stage(database)
    on.people.add("alice", "PHONE")
    wanted = {"@nobody:tea.example": {"X": CURVE}, "@alice:tea.example": {"PHONE": CURVE, "NONE": CURVE}}
    assert await on.keys.device_keys.claim(wanted) == {}


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.one_of(st.just("claim"), st.integers(0, 7)), max_size=20))
async def test_no_order_of_uploads_and_claims_hands_a_key_out_twice(database: Database, steps) -> None:
    on = stage(database)
    (phone,) = on.people.add("alice", f"PHONE-{uuid4()}")
    claimed = []
    for step in steps:
        if step == "claim":
            claimed.extend(await asyncio.gather(claim_one(on.keys, phone), claim_one(on.keys, phone)))
        else:
            await on.keys.device_keys.upload(phone, keys_upload(*(one_time_key(f"K{n}") for n in range(step + 1))))
    handed_out = [name for name in claimed if name is not None]
    assert len(handed_out) == len(set(handed_out))
