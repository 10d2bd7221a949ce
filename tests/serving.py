"""The real server in a process of its own, as the tests meet it: over sockets, on a data folder of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

START_LIMIT_S = 30.0
STOP_LIMIT_S = 15.0
ROOT = Path(__file__).parents[1]
SERVER_NAME = "tea.test"
FREE = {
    "TEAHOUSE_SERVER_NAME": SERVER_NAME,
    "TEAHOUSE_REGISTRATION": "open",
    "TEAHOUSE_RATE_LIMITS_ENABLED": "false",
    "TEAHOUSE_SUPPORT_EMAIL": "host@tea.test",
}


class ServedTeahouse:
    """A running server. `settings` are environment variables over those of a free test server."""

    def __init__(self, data_dir: Path, port: int = 0, **settings: str) -> None:
        self.data_dir = data_dir
        self.server_name = SERVER_NAME
        self.port = port or free_port()
        self.settings = FREE | settings
        self.process: subprocess.Popen[bytes] | None = None
        self.recorded = True  # answers are recorded by the process itself

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.data_dir.with_name(self.data_dir.name + ".log")

    def start(self, *, recorded: bool = True, wrapper: tuple[str, ...] = ()) -> ServedTeahouse:
        """Start it and wait for its first answer. `wrapper` runs around it, such as strace."""
        program = ["-m", "tests.contract.serve_recorded", "teahouse"] if recorded else ["-m", "teahouse"]
        command = [*wrapper, sys.executable, *program, "serve", "--data", str(self.data_dir), "--host", "127.0.0.1",
                   "--port", str(self.port)]  # fmt: skip
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TEAHOUSE_")}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environment | self.settings, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self.wait_until_ready()
        return self

    def start_with(self, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start it by another module, which takes the command after its own arguments; the process."""
        command = [sys.executable, "-m", module, *arguments, "serve", "--data", str(self.data_dir),
                   "--host", "127.0.0.1", "--port", str(self.port)]  # fmt: skip
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=os.environ | self.settings, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self.wait_until_ready()
        return self.process

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline:
            assert self.process is not None
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended at once:\n{self.log.read_text()}")
            try:
                if httpx.get(f"{self.url}/_matrix/client/versions").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError(f"the server did not start:\n{self.log.read_text()}")

    def stop(self) -> int:
        """Stop it as an operator does; its exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_LIMIT_S)

    def kill(self) -> None:
        """End it as a power cut does."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(STOP_LIMIT_S)

    @property
    def registration_token(self) -> str:
        """A registration token that can be used any number of times."""
        made = self.command("token", "create")
        assert made.returncode == 0, made.stderr
        return made.stdout.strip()

    def command(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run one of the operator's commands on this server's data."""
        return subprocess.run(
            [sys.executable, "-m", "teahouse", *arguments, "--data", str(self.data_dir)],
            cwd=ROOT, env=os.environ | self.settings, input=stdin, capture_output=True, text=True, check=False,
            timeout=120,
        )  # fmt: skip

    def register(self, localpart: str, password: str) -> None:
        """Make an account over the API."""
        body = {"username": localpart, "password": password, "auth": {"type": "m.login.dummy"}, "inhibit_login": True}
        answer = httpx.post(f"{self.url}/_matrix/client/v3/register", json=body)
        assert answer.status_code == 200, answer.text


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def served(settings: Mapping[str, str] | None = None) -> Iterator[ServedTeahouse]:
    """A server on a new data folder, stopped and swept away at the end."""
    with tempfile.TemporaryDirectory(prefix="teahouse-") as folder:
        server = ServedTeahouse(Path(folder) / "data", **(settings or {}))
        try:
            yield server.start()
        finally:
            server.kill()


@pytest.fixture(scope="session")
def teahouse_server() -> Iterator[ServedTeahouse]:
    """One server for all tests that share a world."""
    with served() as server:
        yield server
