"""A database of an earlier version is brought up to this one with everything in it; a newer one is left alone."""

import sqlite3
from pathlib import Path

import asyncpg
import pytest

from teahouse.admin.backup import restore_tables
from teahouse.db.migrate import migrate_postgres, migrate_sqlite, upgrade_postgres, upgrade_sqlite, versions
from teahouse.db.postgres import copy_out
from teahouse.errors import Conflict
from tests.databases import command
from tests.postgres import PostgresServer

KEPT = ("tea", "green")
KEEP = f"INSERT INTO settings (name, value) VALUES {KEPT}"
READ = "SELECT name, value FROM settings"
STORED = "SELECT version_num FROM alembic_version"
FIRST = "0005_contacts"  # of the versions that could make backups


def rows(path: Path, sql: str) -> list[tuple[str, ...]]:
    with sqlite3.connect(path) as connection:
        return connection.execute(sql).fetchall()


@pytest.mark.parametrize("version", versions()[:-1])
def test_an_earlier_database_is_copied_first_and_upgraded_with_what_it_holds(tmp_path: Path, version: str) -> None:
    path = tmp_path / "tea.db"
    upgrade_sqlite(path, version)
    with sqlite3.connect(path) as connection:
        connection.execute(KEEP)
    copy = migrate_sqlite(path)
    assert copy is not None
    assert rows(path, READ) == rows(Path(copy), READ) == [KEPT]
    assert (rows(path, STORED), rows(Path(copy), STORED)) == ([(versions()[-1],)], [(version,)])
    assert migrate_sqlite(path) is None  # there is nothing left to do


def test_an_upgraded_database_has_the_schema_of_a_new_one(tmp_path: Path) -> None:
    upgraded, new = tmp_path / "upgraded.db", tmp_path / "new.db"
    for version in versions():
        upgrade_sqlite(upgraded, version)
    assert migrate_sqlite(new) is None
    schema = "SELECT name, sql FROM sqlite_master ORDER BY name"
    assert rows(upgraded, schema) == rows(new, schema)


def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "tea.db"
    migrate_sqlite(path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999_later'")
    with pytest.raises(Conflict, match="9999_later"):
        migrate_sqlite(path)
    assert list(tmp_path.glob("*before*")) == []


@pytest.mark.parametrize("version", [FIRST, versions()[-2]])
async def test_an_earlier_backup_of_postgresql_is_restored_and_upgraded(
    postgres_server: PostgresServer, tmp_path: Path, version: str
) -> None:
    names = [f"{kind}_{version}" for kind in ("old", "new")]
    old, new = [postgres_server.url(name) for name in names]
    for name in names:
        await command(postgres_server, f"CREATE DATABASE {name}")
    await upgrade_postgres(old, version)
    await run(old, KEEP)
    await copy_out(old, tmp_path)
    await restore_tables(new, tmp_path, version)
    await migrate_postgres(new)
    assert await run(new, READ) == [KEPT]
    assert await run(new, STORED) == [(versions()[-1],)]
    assert await run(new, "SELECT count(*) FROM epochs") == [(2,)]
    with pytest.raises(Conflict, match="not empty"):
        await restore_tables(new, tmp_path, version)


async def run(url: str, sql: str) -> list[tuple[str, ...]]:
    """Run a statement; the rows it gives."""
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()
