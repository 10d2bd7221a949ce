"""Key backup for matrix-nio, which brings none: the specification's `m.megolm_backup.v1.curve25519-aes-sha2`.

The cipher is vodozemac's, which nio is built on; what is here is the recovery key and the requests.
"""

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from Crypto.Cipher import AES
from Crypto.Hash import HMAC, SHA256
from Crypto.Protocol.KDF import HKDF
from nio import AsyncClient
from nio.crypto.sessions import InboundGroupSession
from unpaddedbase64 import decode_base64, encode_base64
from vodozemac import Curve25519SecretKey, Message, PkDecryption, PkEncryption

ALGORITHM = "m.megolm_backup.v1.curve25519-aes-sha2"
KEYS = "/_matrix/client/v3/room_keys"
USERS = "/_matrix/client/v3/user"
PREFIX = b"\x8b\x01"  # Client-Server API, "Recovery key"
ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
KEY_BYTES = 32


def recovery_key(secret: bytes) -> str:
    """A private key as people write it down."""
    body = PREFIX + secret
    number = int.from_bytes(body + bytes([parity(body)]))
    text = ""
    while number:
        number, digit = divmod(number, len(ALPHABET))
        text = ALPHABET[digit] + text
    return " ".join(text[first : first + 4] for first in range(0, len(text), 4))


def private_key(written: str) -> bytes:
    """The key that a recovery key stands for; raises ValueError for a slip of the pen."""
    number = 0
    for letter in written.replace(" ", ""):
        number = number * len(ALPHABET) + ALPHABET.index(letter)
    body = number.to_bytes(len(PREFIX) + KEY_BYTES + 1)
    if not body.startswith(PREFIX) or parity(body):
        raise ValueError("this is no recovery key")
    return body[len(PREFIX) : -1]


def parity(body: bytes) -> int:
    """All bytes put together by exclusive or."""
    found = 0
    for byte in body:
        found ^= byte
    return found


class Backup:
    """The key backup of one user."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._version = ""
        self._encryption: PkEncryption

    async def begin(self) -> str:
        """Make a new backup; its recovery key."""
        secret = Curve25519SecretKey()
        public = PkDecryption.from_key(secret).public_key
        body = {"algorithm": ALGORITHM, "auth_data": {"public_key": public.to_base64(), "signatures": {}}}
        self._version = (await self._ask("POST", "/version", body))["version"]
        self._encryption = PkEncryption.from_key(public)
        return recovery_key(secret.to_bytes())

    async def keep(self, sessions: Iterable[InboundGroupSession]) -> int:
        """Store keys; how many the server holds then."""
        answer = {"count": 0}
        for session in sessions:
            sealed = self._encryption.encrypt(json.dumps(exported(session)).encode())
            parts = {"ciphertext": sealed.ciphertext, "mac": sealed.mac, "ephemeral": sealed.ephemeral_key}
            data = {name: encode_base64(part) for name, part in parts.items()}
            body = {"first_message_index": session.first_known_index, "forwarded_count": 0, "is_verified": False}
            path = f"/keys/{quote(session.room_id, safe='')}/{quote(session.id, safe='')}?version={self._version}"
            answer = await self._ask("PUT", path, body | {"session_data": data})
        return int(answer["count"])

    async def read(self, written: str) -> list[InboundGroupSession]:
        """Every key of the newest backup, opened with nothing but its recovery key."""
        about = await self._ask("GET", "/version")
        key = decryption(private_key(written))
        if about["auth_data"]["public_key"] != key.public_key.to_base64():
            # Newer clients write down the key of the secret storage, in which the backup's lies.
            key = decryption(await self._stored_secret("m.megolm_backup.v1", private_key(written)))
        if about["algorithm"] != ALGORITHM or about["auth_data"]["public_key"] != key.public_key.to_base64():
            raise ValueError("the recovery key is of another backup")
        rooms = (await self._ask("GET", f"/keys?version={about['version']}"))["rooms"]
        found = []
        for room_id, room in rooms.items():
            for kept in room["sessions"].values():
                data = kept["session_data"]
                opened = json.loads(
                    key.decrypt(Message.from_base64(data["ciphertext"], data["mac"], data["ephemeral"]))
                )
                found.append(
                    InboundGroupSession.import_session(
                        opened["session_key"], opened["sender_claimed_keys"]["ed25519"], opened["sender_key"], room_id,
                        opened["forwarding_curve25519_key_chain"],
                    )
                )  # fmt: skip
        return found

    async def _stored_secret(self, name: str, key: bytes) -> bytes:
        """A secret of the user's secret storage. Source: Client-Server API, "m.secret_storage.v1.aes-hmac-sha2"."""
        data = f"{USERS}/{quote(self._client.user_id, safe='')}/account_data"
        key_id = (await self._ask("GET", "m.secret_storage.default_key", root=f"{data}/"))["key"]
        sealed = (await self._ask("GET", name, root=f"{data}/"))["encrypted"][key_id]
        cipher_key, mac_key = HKDF(key, KEY_BYTES, bytes(KEY_BYTES), SHA256, 2, name.encode())
        ciphertext = decode_base64(sealed["ciphertext"])
        HMAC.new(mac_key, ciphertext, SHA256).verify(decode_base64(sealed["mac"]))
        counter = AES.new(cipher_key, AES.MODE_CTR, nonce=b"", initial_value=decode_base64(sealed["iv"]))
        return decode_base64(counter.decrypt(ciphertext).decode())

    async def _ask(self, method: str, path: str, body: Any = None, root: str = KEYS) -> Any:
        headers = {"Authorization": f"Bearer {self._client.access_token}"}
        data = None if body is None else json.dumps(body)
        answer = await self._client.send(method, root + path, data, headers)
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {await answer.text()}")
        return await answer.json()


def decryption(secret: bytes) -> PkDecryption:
    """What opens a backup with this private key."""
    return PkDecryption.from_key(Curve25519SecretKey.from_bytes(secret))


def exported(session: InboundGroupSession) -> dict[str, Any]:
    """A key as it is put into a backup."""
    return {
        "algorithm": "m.megolm.v1.aes-sha2",
        "forwarding_curve25519_key_chain": session.forwarding_chain,
        "sender_key": session.sender_key,
        "sender_claimed_keys": {"ed25519": session.ed25519},
        "session_key": session.export_session(session.first_known_index),
    }
