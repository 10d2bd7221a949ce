"""What a newsroom works with, for tests of posts: files, pictures, and a way to ask for what is not JSON."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

from teahouse.http.messages import Requester
from teahouse.media.types import Upload
from tests.world import Fetched, Person, World

# One black pixel.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABpfZFQAAAAABJRU5ErkJggg=="
)


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
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return await tea.exchange("GET", path, query, given)


def address(url: str, name: str = "picture.png") -> str:
    """Where everybody may get a public file."""
    return f"/media/{url.rpartition('/')[2]}/{name}"
