"""Event and room ids that carry their own address, sealed so that nobody can read or forge them.

An id is one AES block of epoch, bucket, position and check bits. Looking an event up is therefore a read by primary
key, and there is no index over random ids.
"""

from __future__ import annotations

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BUCKET_BITS = 10
CHECK = 0x7EA40E5E  # constant bits of every block: a guessed id decrypts to them once in 2^32 tries
ID_LENGTH = 22  # characters of unpadded base64 for 16 bytes
ID_KEY_BYTES = 16
IDS_CACHED_MAX = 65_536  # ids remembered in each direction: the same few rooms and events are named over and over
_BLOCK = struct.Struct(">HHQI")


def bucket_of(number: int) -> int:
    """The bucket of a room_no or user_no."""
    return number & ((1 << BUCKET_BITS) - 1)


def number_at(pos: int, bucket: int) -> int:
    """The room_no or user_no made at a position in a bucket."""
    return pos << BUCKET_BITS | bucket


class Identifiers:
    """Makes and reads ids under the server's key.

    `epochs` are (epoch, first_pos) in rising order: an id of an older epoch whose position lies in a newer one was
    lost with the disk, and is unknown.
    """

    def __init__(self, key: bytes, server_name: str, epochs: Sequence[tuple[int, int]]) -> None:
        self._key = key
        self._lives = list(epochs)
        cipher = Cipher(algorithms.AES(key), modes.ECB())  # one block each, never repeated: ECB is the block itself
        self._seal = cipher.encryptor().update
        self._open = cipher.decryptor().update
        self.server_name = server_name
        self._suffix = f":{server_name}"
        self._epochs = [epoch for epoch, _ in epochs]
        self._firsts = [first for _, first in epochs]
        self._sealed = lru_cache(IDS_CACHED_MAX)(self._seal_id)
        self._opened_id = lru_cache(IDS_CACHED_MAX)(self._open_id)

    def twin(self) -> Identifiers:
        """The same for another thread: a cipher's context is not shared."""
        return Identifiers(self._key, self.server_name, self._lives)

    def event_id(self, pos: int, room_no: int) -> str:
        """The id of the event at a position."""
        return "$" + self._sealed(pos, bucket_of(room_no))

    def position(self, event_id: str) -> int | None:
        """The position an event id names, or None when it is not ours."""
        if not event_id.startswith("$"):
            return None
        place = self._opened(event_id[1:])
        return None if place is None else place[0]

    def room_id(self, room_no: int, version: str) -> str:
        """The id of a room: that of its create event; before version 12 with the server's name."""
        sealed = self._sealed(room_no >> BUCKET_BITS, bucket_of(room_no))
        return f"!{sealed}" if version == "12" else f"!{sealed}{self._suffix}"

    def room_no(self, room_id: str) -> int | None:
        """The number a room id names, or None when it is not ours."""
        if not room_id.startswith("!"):
            return None
        place = self._opened(room_id[1:].removesuffix(self._suffix))
        return None if place is None else number_at(*place)

    def epoch_of(self, pos: int) -> int:
        """The epoch a position belongs to."""
        return self._epochs[max(bisect_right(self._firsts, pos) - 1, 0)]

    def _seal_id(self, pos: int, bucket: int) -> str:
        block = self._seal(_BLOCK.pack(self.epoch_of(pos), bucket, pos, CHECK))
        return urlsafe_b64encode(block)[:ID_LENGTH].decode()

    def _opened(self, sealed: str) -> tuple[int, int] | None:
        # What cannot be an id is not remembered: it may be as long as a path.
        return self._opened_id(sealed) if len(sealed) == ID_LENGTH and sealed.isascii() else None

    def _open_id(self, sealed: str) -> tuple[int, int] | None:
        try:
            block = urlsafe_b64decode(sealed + "==")
        except ValueError:
            return None
        if len(block) != _BLOCK.size:
            return None
        epoch, bucket, pos, check = _BLOCK.unpack(self._open(block))
        if check != CHECK or epoch != self.epoch_of(pos) or bucket >> BUCKET_BITS or pos >> 50:
            return None
        # The last character holds two unused bits: accept the one spelling that we made.
        return (pos, bucket) if sealed == self._seal_id(pos, bucket) else None
