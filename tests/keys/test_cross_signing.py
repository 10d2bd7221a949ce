"""Cross-signing: who may replace keys, which signatures hold, and who sees them."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from teahouse.db import Database
from teahouse.errors import Forbidden, InvalidParam, InvalidSignature, MissingParam, NotFound, UserAuthNeeded
from teahouse.http.messages import Requester
from tests.keys.people import Stage, cross_signing_key, device_keys, keys_upload, public, signed, stage


class Identity:
    """A person's cross-signing keys."""

    def __init__(self, person: Requester) -> None:
        self.person = person
        self.master, self.self_signing, self.user_signing = (Ed25519PrivateKey.generate() for _ in range(3))

    def keys(self):
        own = {"master": cross_signing_key(self.person, "master", self.master)}
        for usage in ("self_signing", "user_signing"):
            key = cross_signing_key(self.person, usage, getattr(self, usage))
            own[usage] = signed(key, self.person.user_id, public(self.master), self.master)
        return own


async def query(on: Stage, seer: Requester, *people: Requester):
    return await on.keys.device_keys.query(seer, {person.user_id: [] for person in people})


async def test_the_first_keys_need_no_proof_and_the_same_again_none(database: Database) -> None:
    on = stage(database)
    (alice,) = on.people.add("alice", "PHONE")
    identity = Identity(alice)
    for _ in range(2):
        await on.keys.cross_signing.upload(alice, identity.keys(), on.people.fail_to_prove)
    assert on.people.asked == 0
    shown = await query(on, alice, alice)
    assert shown["master_keys"][alice.user_id]["keys"] == identity.keys()["master"]["keys"]


async def test_replacing_keys_needs_proof(database: Database) -> None:
    on = stage(database)
    (alice,) = on.people.add("alice", "PHONE")
    first, second = Identity(alice), Identity(alice)
    await on.keys.cross_signing.upload(alice, first.keys(), on.people.fail_to_prove)
    with pytest.raises(UserAuthNeeded):
        await on.keys.cross_signing.upload(alice, second.keys(), on.people.fail_to_prove)
    assert (await query(on, alice, alice))["master_keys"][alice.user_id] == first.keys()["master"]
    await on.keys.cross_signing.upload(alice, {"master": second.keys()["master"]}, on.people.prove)
    shown = await query(on, alice, alice)
    assert shown["master_keys"][alice.user_id] == second.keys()["master"]
    # What the old master key signed is worth nothing below the new one.
    assert shown["self_signing_keys"] == shown["user_signing_keys"] == {}


async def test_the_same_lower_keys_stay_below_a_new_master_that_signs_them(database: Database) -> None:
    on = stage(database)
    (alice,) = on.people.add("alice", "PHONE")
    first, second = Identity(alice), Identity(alice)
    await on.keys.cross_signing.upload(alice, first.keys(), on.people.fail_to_prove)
    second.self_signing, second.user_signing = first.self_signing, first.user_signing
    await on.keys.cross_signing.upload(alice, second.keys(), on.people.prove)
    shown = await query(on, alice, alice)
    assert shown["self_signing_keys"][alice.user_id] == second.keys()["self_signing"]


async def test_keys_of_the_wrong_shape_or_signature_are_refused(database: Database) -> None:
    on = stage(database)
    alice, _ = on.people.add("alice", "PHONE", "TABLET")
    (bob,) = on.people.add("bob", "LAPTOP")
    identity, other = Identity(alice), Identity(alice)
    unsigned = cross_signing_key(alice, "self_signing", identity.self_signing)
    upload = on.keys.cross_signing.upload
    with pytest.raises(MissingParam):
        await upload(alice, {"self_signing": identity.keys()["self_signing"]}, on.people.fail_to_prove)
    with pytest.raises(InvalidSignature):
        await upload(alice, {**identity.keys(), "self_signing": unsigned}, on.people.fail_to_prove)
    with pytest.raises(InvalidSignature):
        await upload(alice, {**identity.keys(), "self_signing": other.keys()["self_signing"]}, on.people.fail_to_prove)
    with pytest.raises(InvalidParam):
        await upload(bob, {"master": identity.keys()["master"]}, on.people.fail_to_prove)
    with pytest.raises(InvalidParam):
        await upload(alice, {"master": identity.keys()["self_signing"]}, on.people.fail_to_prove)
    with pytest.raises(InvalidParam):
        await upload(
            alice, {"master": {**identity.keys()["master"], "keys": {"ed25519:abc": "abc"}}}, on.people.fail_to_prove
        )
    assert (await query(on, alice, alice))["master_keys"] == {}


async def test_a_cross_signing_key_and_a_device_never_share_an_id(database: Database) -> None:
    on = stage(database)
    (alice,) = on.people.add("alice", "PHONE")
    identity = Identity(alice)
    on.people.device_names[alice.user_no][public(identity.master)] = None
    with pytest.raises(Forbidden):
        await on.keys.cross_signing.upload(alice, identity.keys(), on.people.fail_to_prove)
    other = Identity(alice)
    await on.keys.cross_signing.upload(alice, other.keys(), on.people.fail_to_prove)
    colliding = Requester(alice.user_id, alice.user_no, public(other.master))
    with pytest.raises(Forbidden):
        await on.keys.device_keys.upload(colliding, keys_upload(device=device_keys(colliding, other.master)))


async def signed_people(on: Stage):
    """Alice and Bob with devices and identities; Alice's device key beside them."""
    (alice,), (bob,) = on.people.add("alice", "PHONE"), on.people.add("bob", "LAPTOP")
    identities = []
    device = Ed25519PrivateKey.generate()
    for person in (alice, bob):
        await on.keys.device_keys.upload(person, keys_upload(device=device_keys(person, device)))
        identities.append(Identity(person))
        await on.keys.cross_signing.upload(person, identities[-1].keys(), on.people.fail_to_prove)
    return alice, bob, *identities, device


async def test_own_signatures_are_shown_to_everyone(database: Database) -> None:
    on = stage(database)
    alice, bob, identity, _, device = await signed_people(on)
    own_device = signed(device_keys(alice, device), alice.user_id, public(identity.self_signing), identity.self_signing)
    own_master = signed(identity.keys()["master"], alice.user_id, "PHONE", device)
    objects = {alice.user_id: {"PHONE": own_device, public(identity.master): own_master}}
    assert await on.keys.cross_signing.sign(alice, objects) == {}
    for seer in (alice, bob):
        shown = await query(on, seer, alice)
        assert shown["device_keys"][alice.user_id]["PHONE"]["signatures"] == own_device["signatures"]
        assert shown["master_keys"][alice.user_id]["signatures"] == own_master["signatures"]


async def test_a_signature_on_another_is_shown_to_its_signer_alone(database: Database) -> None:
    on = stage(database)
    alice, bob, identity, bobs, _ = await signed_people(on)
    theirs = signed(bobs.keys()["master"], alice.user_id, public(identity.user_signing), identity.user_signing)
    since = database.head
    assert await on.keys.cross_signing.sign(alice, {bob.user_id: {public(bobs.master): theirs}}) == {}
    assert (await query(on, alice, bob))["master_keys"][bob.user_id] == theirs
    assert "signatures" not in (await query(on, bob, bob))["master_keys"][bob.user_id]
    assert await on.keys.changes(since, database.head, alice.user_no) == {bob.user_no}
    assert await on.keys.changes(since, database.head, bob.user_no) == set()


async def test_the_user_signing_key_is_shown_to_its_owner_alone(database: Database) -> None:
    on = stage(database)
    alice, bob, _, _, _ = await signed_people(on)
    assert alice.user_id in (await query(on, alice, alice))["user_signing_keys"]
    assert (await query(on, bob, alice))["user_signing_keys"] == {}


async def test_signatures_that_do_not_hold_are_refused_one_by_one(database: Database) -> None:
    on = stage(database)
    alice, bob, identity, bobs, device = await signed_people(on)
    stranger = Ed25519PrivateKey.generate()
    good = signed(device_keys(alice, device), alice.user_id, public(identity.self_signing), identity.self_signing)
    forged = signed(bobs.keys()["master"], alice.user_id, public(identity.user_signing), stranger)
    changed = {**good, "algorithms": ["none"]}
    of_bob = signed(device_keys(bob, device), alice.user_id, public(identity.self_signing), identity.self_signing)
    failures = await on.keys.cross_signing.sign(
        alice,
        {
            alice.user_id: {"PHONE": good, "TABLET": good},
            bob.user_id: {public(bobs.master): forged, "LAPTOP": of_bob},
            "@nobody:tea.example": {"X": good},
        },
    )
    assert {(user, key): type(error) for user, by_key in failures.items() for key, error in by_key.items()} == {
        (alice.user_id, "TABLET"): NotFound,
        (bob.user_id, public(bobs.master)): InvalidSignature,
        (bob.user_id, "LAPTOP"): NotFound,
        ("@nobody:tea.example", "X"): NotFound,
    }
    refused = await on.keys.cross_signing.sign(alice, {alice.user_id: {"PHONE": changed}})
    assert type(refused[alice.user_id]["PHONE"]) is InvalidSignature


async def test_signatures_on_a_device_end_with_its_keys(database: Database) -> None:
    on = stage(database)
    alice, bob, identity, _, device = await signed_people(on)
    good = signed(device_keys(alice, device), alice.user_id, public(identity.self_signing), identity.self_signing)
    await on.keys.cross_signing.sign(alice, {alice.user_id: {"PHONE": good}})
    fresh = device_keys(alice, Ed25519PrivateKey.generate())
    await on.keys.device_keys.upload(alice, keys_upload(device=fresh))
    shown = (await query(on, bob, alice))["device_keys"][alice.user_id]["PHONE"]
    assert shown["signatures"] == fresh["signatures"]
