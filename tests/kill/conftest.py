"""Servers to be killed, for all tests of this folder."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import PostgresServer
from tests.serving import ServedTeahouse


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server that may be killed, on real disk."""
    with tempfile.TemporaryDirectory(prefix="tea-") as folder:
        Path(folder).chmod(0o755)
        server = PostgresServer(Path(folder)).start()
        yield server
        server.stop()


@pytest.fixture(params=["sqlite", "postgres"])
def unstarted(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ServedTeahouse]:
    """A server without data, on each engine in turn."""
    settings = {}
    if request.param == "postgres":
        settings["TEAHOUSE_DATABASE_URL"] = request.getfixturevalue("postgres").url()
    server = ServedTeahouse(tmp_path / "data", **settings)
    yield server
    server.kill()
