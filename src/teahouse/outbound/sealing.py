"""E-mail addresses at rest: sealed, and found by a keyed hash. Without the server's key nobody can read or guess."""

from __future__ import annotations

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from teahouse.outbound.letters import normal

NONCE_BYTES = 12  # AES-GCM's own


class Unreadable(Exception):
    """What was sealed cannot be opened: it was changed, or another key sealed it."""


class AddressBook:
    """Seals addresses and texts, and hashes addresses. The same address always hashes to the same 32 bytes."""

    def __init__(self, key: bytes) -> None:
        """`key` is the server's `address_key`; from it come one key to seal with and one to hash with."""
        self._sealing = AESGCM(derived(key, b"teahouse: sealing addresses"))
        self._hashing = derived(key, b"teahouse: finding addresses")

    def seal(self, text: str) -> bytes:
        """A text that only this server can read. Sealing twice gives two results: equal rows do not show."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._sealing.encrypt(nonce, text.encode(), None)

    def open(self, sealed: bytes) -> str:
        """The text again; raises Unreadable."""
        try:
            return self._sealing.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None).decode()
        except (InvalidTag, ValueError):
            raise Unreadable("A sealed text cannot be opened: is secrets.json that of this database?") from None

    def hash(self, address: str) -> bytes:
        """What an address is found by, whatever its capitals; raises InvalidParam for what is no address."""
        return hmac.digest(self._hashing, normal(address).lower().encode(), hashlib.sha256)


def derived(key: bytes, use: bytes) -> bytes:
    """A key for one use."""
    return HKDF(SHA256(), 32, None, use).derive(key)
