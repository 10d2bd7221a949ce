"""What a newsroom works with, for tests of posts: files, pictures, and a way to ask for what is not JSON."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from teahouse.http.messages import Requester
from teahouse.media.types import Upload
from tests.world import Person, World

# One black pixel.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABpfZFQAAAAABJRU5ErkJggg=="
)


@dataclass(frozen=True)
class Fetched:
    """An answer as bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def upload(person: Person, content: bytes = PNG, content_type: str = "image/png", name: str = "") -> str:
    """Upload something; its `mxc://` address."""

    async def pieces() -> AsyncIterator[bytes]:
        yield content

    requester = Requester(person.user_id, person.user_no, person.device_id)
    return await person.world.app.media.upload(requester, Upload(pieces(), content_type, name or None))


async def picture(person: Person, description: str = "A black pixel.", **more: Any) -> dict[str, Any]:
    """A new picture as posts have them."""
    return {"url": await upload(person), "mimetype": "image/png", "description": description, **more}


async def fetch(tea: World, path: str, query: str = "", **headers: str) -> Fetched:
    """What somebody who is not signed in is answered."""
    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": query.encode(),
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
    }  # fmt: skip
    sent: list[Any] = []
    asked = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> Any:
        for message in asked:
            return message
        return await asyncio.Event().wait()  # whoever asks stays

    async def send(message: Any) -> None:
        sent.append(message)

    await tea.app.http(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return Fetched(sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}, body)


def address(url: str, name: str = "picture.png") -> str:
    """Where everybody may get a public file."""
    return f"/media/{url.rpartition('/')[2]}/{name}"
