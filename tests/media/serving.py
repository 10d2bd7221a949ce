"""The media endpoints served in process, for tests of the media slice."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from teahouse.db import Database
from teahouse.errors import UnknownToken
from teahouse.http.app import HttpApp
from teahouse.http.messages import Requester
from teahouse.media import MediaApi, MediaLimits, MediaService

SERVER = "tea.example"
PEOPLE = {"alice": 1024, "bob": 2048}


class Tokens:
    """Everybody's access token is their name."""

    def seen(self, requester: Requester, address: str) -> None:
        """Nobody asks when."""

    async def requester(self, token: str) -> Requester:
        if token not in PEOPLE:
            raise UnknownToken("Who?")
        return Requester(f"@{token}:{SERVER}", PEOPLE[token], "DEVICE")


class NoLimiter:
    def spend(self, limit: str, requester: Requester | None, client_ip: str) -> None: ...


class Peer:
    def of(self, peer: str, headers: Mapping[str, str]) -> str:
        return peer


class StoppedClock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.ms = 1_000_000

    def now_ms(self) -> int:
        return self.ms

    def monotonic_ms(self) -> int:
        return self.ms


class Served:
    """A media service with a client in front of it."""

    def __init__(self, media: MediaService, client: httpx.AsyncClient, clock: StoppedClock, folder: Path) -> None:
        self.media = media
        self.client = client
        self.clock = clock
        self.folder = folder

    async def ask(self, method: str, path: str, person: str | None = "alice", **request: object) -> httpx.Response:
        """One request; paths without a leading slash are below the signed-in media paths."""
        headers = {"authorization": f"Bearer {person}"} if person else {}
        headers |= request.pop("headers", {})  # type: ignore[arg-type]
        url = path if path.startswith("/") else f"/_matrix/client/v1/media/{path}"
        return await self.client.request(method, url, headers=headers, **request)  # type: ignore[arg-type]

    async def upload(self, content: bytes, content_type: str = "image/png", **params: str) -> str:
        """Upload; the `server/media_id` part of the URI."""
        headers = {"content-type": content_type}
        answer = await self.ask("POST", "/_matrix/media/v3/upload", content=content, headers=headers, params=params)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["content_uri"]).removeprefix("mxc://")

    def stored(self) -> list[Path]:
        """Every file of content, and what lies in the way of unfinished ones."""
        return [path for part in ("files", "incoming") for path in (self.folder / part).rglob("*") if path.is_file()]


@asynccontextmanager
async def serving(database: Database, folder: Path, limits: MediaLimits | None = None) -> AsyncIterator[Served]:
    """Serve until the block is left."""
    clock = StoppedClock()
    media = MediaService(database, folder, clock, limits or MediaLimits(), SERVER)
    await media.open()
    app = HttpApp(MediaApi(media).routes(), Tokens(), NoLimiter(), Peer())
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://tea.example") as client:
        yield Served(media, client, clock, folder)
    await media.close()
