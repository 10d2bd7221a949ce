"""Documents at rest: sealed under a key of the server's own, so that a copy of the database shows none of them."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from teahouse.errors import NotFound
from teahouse.outbound.sealing import NONCE_BYTES, derived


class Safe:
    """Seals documents. What was sealed for one request opens for that request alone."""

    def __init__(self, key: bytes) -> None:
        """`key` is the server's `address_key`; the one that seals is made from it."""
        self._cipher = AESGCM(derived(key, b"teahouse: sealing evidence"))

    def seal(self, content: bytes, request_no: int) -> bytes:
        """The content as only this server can read it."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, str(request_no).encode())

    def open(self, sealed: bytes, request_no: int) -> bytes:
        """The content again; raises NotFound when another key sealed it."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], str(request_no).encode())
        except InvalidTag:
            raise NotFound("This document cannot be opened: is secrets.json that of this database?") from None
