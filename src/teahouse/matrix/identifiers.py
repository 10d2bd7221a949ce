"""The grammar of identifiers. A value that passed here is never parsed again.

Source: appendices, "Identifier Grammar"; room version 12, "Room ID format".
"""

from __future__ import annotations

import re

from teahouse.errors import InvalidParam

ID_SIZE_MAX_BYTES = 255  # appendices, "Identifier Grammar": sigil and domain included
DEVICE_ID_MAX_BYTES = 255  # our bound: device ids are opaque
_LOCALPART_NEW = re.compile(r"[a-z0-9._=/+-]+")
_LOCALPART_HISTORICAL = re.compile(r"[\x21-\x39\x3b-\x7e]+")
SERVER_NAME = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[0-9A-Za-z.-]{1,230})(:[0-9]{1,5})?")
_OPAQUE = re.compile(r"[0-9A-Za-z._~-]+")


def server_name(text: str) -> str:
    """A server name: host, or address, with an optional port."""
    if not SERVER_NAME.fullmatch(text):
        raise InvalidParam(f"'{text}' is not a server name.")
    return text


def user_id(text: str) -> str:
    """A user id, historical characters allowed."""
    localpart, server = split(text, "@", "user id")
    if not _LOCALPART_HISTORICAL.fullmatch(localpart):
        raise InvalidParam(f"'{text}' is not a user id.")
    server_name(server)
    return text


def localpart(text: str, server: str) -> str:
    """The local part of a new user id on `server`. Raises InvalidParam with the rule it breaks."""
    if not _LOCALPART_NEW.fullmatch(text):
        raise InvalidParam("A user name consists of the letters a-z, digits, and the characters . _ = - / +")
    if len(f"@{text}:{server}".encode()) > ID_SIZE_MAX_BYTES:
        raise InvalidParam(f"A user id has at most {ID_SIZE_MAX_BYTES} bytes.")
    return text


def room_id(text: str) -> str:
    """A room id, with or without a server name."""
    if not text.startswith("!") or len(text) < 2 or len(text.encode(errors="replace")) > ID_SIZE_MAX_BYTES:
        raise InvalidParam(f"'{text}' is not a room id.")
    return text


def room_alias(text: str) -> str:
    """A room alias."""
    _, server = split(text, "#", "room alias")
    server_name(server)
    return text


def device_id(text: str) -> str:
    """A device id: any text of bounded size without control characters."""
    if not text or len(text.encode(errors="replace")) > DEVICE_ID_MAX_BYTES or not text.isprintable() or " " in text:
        raise InvalidParam(f"A device id has 1 to {DEVICE_ID_MAX_BYTES} bytes and no spaces.")
    return text


def opaque(text: str) -> bool:
    """Whether a text is an opaque identifier, such as a media id or a session id."""
    return bool(_OPAQUE.fullmatch(text)) and len(text) <= ID_SIZE_MAX_BYTES


def split(text: str, sigil: str, kind: str) -> tuple[str, str]:
    """The local part and the server name of an identifier."""
    local, colon, server = text[1:].partition(":")
    if (
        not text.startswith(sigil)
        or not local
        or not colon
        or not text.isprintable()
        or len(text.encode(errors="replace")) > ID_SIZE_MAX_BYTES
    ):
        raise InvalidParam(f"'{text}' is not a {kind}.")
    return local, server
