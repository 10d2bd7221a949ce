"""Signed JSON, and the shapes of public keys. Pure.

Source: Matrix specification, appendices, "Signing JSON".
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from teahouse.matrix import canonical_json

ED25519 = "ed25519:"
DIGEST_BYTES = 16  # enough that two keys of one device never collide


def unpadded_base64(text: str) -> bytes | None:
    """The bytes of unpadded base64, or None when it is none."""
    if "=" in text or not text.isascii():
        return None
    try:
        return b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        return None


def public_key(text: str) -> Ed25519PublicKey | None:
    """An Ed25519 public key from unpadded base64, or None when it is none."""
    raw = unpadded_base64(text)
    return Ed25519PublicKey.from_public_bytes(raw) if raw is not None and len(raw) == 32 else None


def bare(value: Mapping[str, Any]) -> dict[str, Any]:
    """What a signature covers: the object without its signatures and unsigned part."""
    return {name: part for name, part in value.items() if name not in ("signatures", "unsigned")}


def signatures_by(value: Mapping[str, Any], user_id: str) -> dict[str, str]:
    """The Ed25519 signatures that claim to be by `user_id`: key name to signature."""
    signatures = value.get("signatures")
    own = signatures.get(user_id) if isinstance(signatures, dict) else None
    if not isinstance(own, dict):
        return {}
    return {name: text for name, text in own.items() if name.startswith(ED25519) and isinstance(text, str)}


def is_signed(value: Mapping[str, Any], user_id: str, key_name: str, key: str) -> bool:
    """Whether `value` bears a valid signature of `user_id` by the public key `key` under the name `key_name`."""
    signature = unpadded_base64(signatures_by(value, user_id).get(key_name, ""))
    verifier = public_key(key)
    if not signature or verifier is None:
        return False
    try:
        verifier.verify(signature, canonical_json.encode(bare(value)))
    except InvalidSignature:
        return False
    return True


def digest(name: str, key: bytes) -> bytes:
    """What is remembered of a claimed one-time key, so that it is known again."""
    return sha256(name.encode() + b"\0" + key).digest()[:DIGEST_BYTES]
