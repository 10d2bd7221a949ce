"""The Caddy example of the operators' page, with a certificate of Caddy's own."""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.serving import ServedTeahouse, free_port
from tests.test_papers import block

START_LIMIT_S = 20.0


@pytest.fixture
def proxied(tmp_path: Path) -> Iterator[str]:
    """The address of a server behind Caddy."""
    if shutil.which("caddy") is None:
        if os.environ.get("CI") == "true":
            raise AssertionError("there is no caddy to test the example with")
        pytest.skip("no caddy here: the example goes untested")
    port = free_port()
    url = f"https://localhost:{port}"
    server = ServedTeahouse(tmp_path / "data", TEAHOUSE_PUBLIC_URL=url, TEAHOUSE_TRUSTED_PROXIES="127.0.0.1")
    server.start(recorded=False)
    example = block("docs/operators.md", "caddyfile", "reverse_proxy")
    example = example.replace("chat.example.org", f"localhost:{port}").replace(
        "127.0.0.1:8008", f"127.0.0.1:{server.port}"
    )
    options = "{\n admin off\n auto_https disable_redirects\n skip_install_trust\n}\n"
    (tmp_path / "Caddyfile").write_text(options + example.replace("{\n", "{\n    tls internal\n", 1))
    caddy = subprocess.Popen(
        ["caddy", "run", "--config", str(tmp_path / "Caddyfile"), "--adapter", "caddyfile"],
        env=os.environ | {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(url)
        yield url
    finally:
        caddy.kill()
        caddy.wait()
        server.kill()


def wait_for(url: str) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/_matrix/client/versions", verify=False).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("caddy did not start")


def test_a_phone_reaches_the_server_through_caddy(proxied: str) -> None:
    with httpx.Client(base_url=proxied, verify=False, timeout=30) as client:
        known = client.get("/.well-known/matrix/client")
        assert known.json()["m.homeserver"]["base_url"] == proxied
        assert known.headers.get_list("access-control-allow-origin") == ["*"]
        body = {"username": "alice", "password": "correct horse", "auth": {"type": "m.login.dummy"}}
        alice = client.post("/_matrix/client/v3/register", json=body).json()
        client.headers["Authorization"] = f"Bearer {alice['access_token']}"
        room_id = client.post("/_matrix/client/v3/createRoom", json={"name": "A/B?"}).json()["room_id"]
        since = client.get("/_matrix/client/v3/sync").json()["next_batch"]
        send = f"/_matrix/client/v3/rooms/{room_id}/send/m.room.message/1%2F2"
        speaking = threading.Timer(0.5, client.put, (send,), {"json": {"msgtype": "m.text", "body": "Tea?"}})
        speaking.start()
        woken = client.get("/_matrix/client/v3/sync", params={"since": since, "timeout": "20000"}).json()
        speaking.join()
        [event] = woken["rooms"]["join"][room_id]["timeline"]["events"]
        assert event["content"]["body"] == "Tea?"
        picture = os.urandom(3_000_000)
        uri = client.post("/_matrix/media/v3/upload", content=picture).json()["content_uri"]
        assert client.get(f"/_matrix/client/v1/media/download/{uri.removeprefix('mxc://')}").content == picture
