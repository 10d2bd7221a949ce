"""A real server that is killed while it speaks to its mail server."""

import asyncio
import json
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.outbound.sink import Sink, sink
from tests.serving import ServedTeahouse

SENDER = "Tea <post@tea.example.org>"
URL = "https://tea.example.org"


async def open_account(client: httpx.AsyncClient) -> dict[str, str]:
    """A person with a public account; the person's headers."""
    body = {"username": "hostess", "password": "correct horse", "auth": {"type": "m.login.dummy"}}
    token = (await client.post("/_matrix/client/v3/register", json=body)).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    wish = {"handle": "daily", "kind": "media", "name": "The Daily Leaf"}
    (await client.post("/_teahouse/v1/accounts", json=wish, headers=headers)).raise_for_status()
    return headers


async def test_what_was_asked_for_is_sent_by_the_next_life_of_the_server(tmp_path: Path) -> None:
    async with sink() as post:
        server = ServedTeahouse(
            tmp_path / "data", TEAHOUSE_MAIL_SMTP_URL=post.url, TEAHOUSE_MAIL_SENDER=SENDER, TEAHOUSE_PUBLIC_URL=URL
        )
        await asyncio.to_thread(server.start, recorded=False)
        try:
            async with httpx.AsyncClient(base_url=server.url) as client:
                await open_account(client)
                post.silent = True  # takes the connection and says nothing: the mail is under way
                asked = await client.post("/_teahouse/v1/accounts/daily/mail", json={"address": "guest@example.net"})
                assert asked.status_code == 200
                await until_spoken_to(post)
            server.kill()
            assert post.taken == []
            post.silent = False
            await asyncio.to_thread(server.start, recorded=False)
            (mail,) = await post.until(1)
            assert mail.recipient == "guest@example.net"
            link = re.search(rf"{URL}/mail/daily/confirm\?token=\S+", mail.text)
            assert link is not None
            token = parse_qs(urlsplit(link[0]).query)["token"][0]
            async with httpx.AsyncClient(base_url=server.url) as client:
                assert (await client.post("/mail/daily/confirm", data={"token": token})).status_code == 200
            verified = await asyncio.to_thread(server.command, "verify")
            assert json.loads(verified.stdout)["problems"] == 0
        finally:
            server.kill()


async def until_spoken_to(post: Sink) -> None:
    """Wait until the server has opened a connection to its mail server."""
    async with asyncio.timeout(20):
        while not post.connections:
            post.changed.clear()
            await post.changed.wait()
