"""Real databases for tests: SQLite files and PostgreSQL databases, at this version's schema, on memory-backed files."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from teahouse.db.migrate import migrate_postgres, migrate_sqlite
from teahouse.db.postgres import Postgres
from teahouse.db.sqlite import Sqlite
from tests.postgres import PostgresServer

ENGINES = ("sqlite", "postgres")
MEMORY = Path("/dev/shm")
TEMPLATE = "template_teahouse"

Engine = Sqlite | Postgres


@dataclass(frozen=True)
class Place:
    """Where one database lives. Opening it again is what a restarted server does."""

    file: Path | None
    url: str = ""
    name: str = ""

    async def open(self) -> Engine:
        """The database, ready for use."""
        return await Postgres.open(self.url) if self.file is None else await Sqlite.open(self.file)


NewPlace = Callable[[], Awaitable[Place]]
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A folder for the session's databases, in memory where the machine has such files."""
    with tempfile.TemporaryDirectory(prefix="tea-", dir=MEMORY if MEMORY.is_dir() else None) as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(scope="session")
def postgres_server(folder: Path) -> Iterator[PostgresServer]:
    """One PostgreSQL server for the session."""
    home = folder / "pg"
    home.mkdir()
    server = PostgresServer(home).start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def sqlite_template(folder: Path) -> Path:
    """A file at this version's schema, to be copied."""
    path = folder / "template.db"
    migrate_sqlite(path)
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> PostgresServer:
    """The server, holding a database at this version's schema, to be copied."""

    async def make() -> None:
        await command(postgres_server, f"CREATE DATABASE {TEMPLATE}")
        await migrate_postgres(postgres_server.url(TEMPLATE))

    asyncio.run(make())
    return postgres_server


@pytest.fixture(params=ENGINES)
def new_place(request: pytest.FixtureRequest, folder: Path) -> Iterator[NewPlace]:
    """Makes fresh databases, on each engine in turn; they go when the test ends."""
    made: list[Place] = []
    make = maker(request, folder)

    async def new() -> Place:
        made.append(await make())
        return made[-1]

    yield new
    for place in made:
        asyncio.run(drop(request, place))


@pytest.fixture
async def place(new_place: NewPlace) -> Place:
    """One fresh database, not opened yet."""
    return await new_place()


@pytest.fixture
async def database(place: Place) -> AsyncIterator[Engine]:
    """One fresh database, open, on each engine in turn."""
    opened = await place.open()
    yield opened
    await opened.close()


def maker(request: pytest.FixtureRequest, folder: Path) -> NewPlace:
    """The way to make fresh databases of the engine that the test is run for."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")

        async def copied() -> Place:
            path = folder / f"t{next(_numbers)}.db"
            shutil.copy(template, path)
            return Place(path)

        return copied
    server: PostgresServer = request.getfixturevalue("postgres_template")

    async def created() -> Place:
        name = f"t{next(_numbers)}"
        # By copying files, which on memory is twice as quick as the default, writing them to the log.
        await command(server, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
        return Place(None, server.url(name), name)

    return created


async def drop(request: pytest.FixtureRequest, place: Place) -> None:
    """Take a database away: hundreds of them would fill the memory."""
    if place.file is None:
        await command(request.getfixturevalue("postgres_template"), f"DROP DATABASE {place.name} WITH (FORCE)")
    else:
        for path in place.file.parent.glob(f"{place.file.name}*"):
            path.unlink()


async def command(server: PostgresServer, sql: str) -> None:
    """Run one statement on the server's own database."""
    connection = await asyncpg.connect(server.url())
    try:
        await connection.execute(sql)
    finally:
        await connection.close()
