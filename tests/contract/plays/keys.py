"""Device keys, one-time keys, cross-signing: uploaded signed, fetched and claimed by others."""

import base64
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.contract.stage import BAD_BODY, Cast, Person

ALGORITHMS = ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"]


def keys_are_uploaded_queried_and_claimed(cast: Cast) -> None:
    alice, bob = cast.stage.signed_in(cast.alice.localpart), cast.bob
    since = bob.good("sync", query={"timeout": 0})["next_batch"]
    signing = Ed25519PrivateKey.generate()
    one_time = {f"signed_curve25519:{name}": _one_time_key(alice, signing) for name in ("AAAAAA", "AAAAAB")}
    fallback = {"signed_curve25519:AAAAAC": _one_time_key(alice, signing, fallback=True)}
    upload = {"device_keys": _device_keys(alice, signing), "one_time_keys": one_time, "fallback_keys": fallback}
    counts = alice.good("uploadKeys", body=upload)["one_time_key_counts"]
    assert counts["signed_curve25519"] == 2
    queried = bob.good("queryKeys", body={"device_keys": {alice.user_id: []}})["device_keys"]
    assert alice.device_id in queried[alice.user_id]
    wanted = {"one_time_keys": {alice.user_id: {alice.device_id: "signed_curve25519"}}}
    claimed = [bob.good("claimKeys", body=wanted)["one_time_keys"][alice.user_id][alice.device_id] for _ in range(3)]
    assert {key_id for key in claimed for key_id in key} == {*one_time, *fallback}
    until = bob.good("sync", query={"timeout": 0, "since": since})["next_batch"]
    assert alice.user_id in bob.good("getKeysChanges", query={"from": since, "to": until})["changed"]


def key_requests_of_the_wrong_shape_are_refused(cast: Cast) -> None:
    cast.alice.bad("uploadKeys", 400, BAD_BODY, body={"one_time_keys": ["a", "b"]})
    cast.alice.bad("queryKeys", 400, BAD_BODY, body={"device_keys": "everyone"})
    cast.alice.bad("claimKeys", 400, BAD_BODY, body={"one_time_keys": "all"})
    cast.alice.bad("getKeysChanges", 400, BAD_BODY)


def cross_signing_keys_are_set_and_sign_devices(cast: Cast) -> None:
    alice = cast.stage.person("signer")
    device = Ed25519PrivateKey.generate()
    alice.good("uploadKeys", body={"device_keys": _device_keys(alice, device)})
    master, own = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    master_key = _cross_signing_key(alice, "master", master)
    own_key = _signed(_cross_signing_key(alice, "self_signing", own), alice, _public(master), master)
    keys = {"master_key": master_key, "self_signing_key": own_key}
    alice.bad("uploadCrossSigningKeys", 400, BAD_BODY | {"M_INVALID_SIGNATURE"}, body={"master_key": "mine"})
    alice.good("uploadCrossSigningKeys", body=keys)
    device_keys = _signed(_device_keys(alice, device), alice, _public(own), own)
    failures = alice.good("uploadCrossSigningSignatures", body={alice.user_id: {alice.device_id: device_keys}})
    assert not failures.get("failures")
    alice.bad("uploadCrossSigningSignatures", 400, BAD_BODY, body={alice.user_id: "signed"})
    shown = cast.bob.good("queryKeys", body={"device_keys": {alice.user_id: []}})
    assert shown["master_keys"][alice.user_id]["keys"] == master_key["keys"]


def _public(key: Ed25519PrivateKey | X25519PrivateKey) -> str:
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return base64.b64encode(raw).decode().rstrip("=")


def _signed(value: dict[str, Any], person: Person, key_name: str, key: Ed25519PrivateKey) -> dict[str, Any]:
    """Sign as the appendix "Signing JSON" says, beside the signatures already there."""
    bare = {name: field for name, field in value.items() if name not in {"signatures", "unsigned"}}
    canonical = json.dumps(bare, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    signature = base64.b64encode(key.sign(canonical)).decode().rstrip("=")
    earlier = value.get("signatures", {}).get(person.user_id, {})
    return {**value, "signatures": {person.user_id: {**earlier, f"ed25519:{key_name}": signature}}}


def _device_keys(person: Person, signing: Ed25519PrivateKey) -> dict[str, Any]:
    device_id = person.device_id
    seed = signing.private_bytes_raw()
    keys = {
        f"curve25519:{device_id}": _public(X25519PrivateKey.from_private_bytes(seed)),
        f"ed25519:{device_id}": _public(signing),
    }
    value = {"user_id": person.user_id, "device_id": device_id, "algorithms": ALGORITHMS, "keys": keys}
    return _signed(value, person, device_id, signing)


def _one_time_key(person: Person, signing: Ed25519PrivateKey, *, fallback: bool = False) -> dict[str, Any]:
    value: dict[str, Any] = {"key": _public(X25519PrivateKey.generate())}
    if fallback:
        value["fallback"] = True
    return _signed(value, person, person.device_id, signing)


def _cross_signing_key(person: Person, usage: str, key: Ed25519PrivateKey) -> dict[str, Any]:
    public = _public(key)
    return {"user_id": person.user_id, "usage": [usage], "keys": {f"ed25519:{public}": public}}


PLAYS = (
    keys_are_uploaded_queried_and_claimed,
    key_requests_of_the_wrong_shape_are_refused,
    cross_signing_keys_are_set_and_sign_devices,
)
