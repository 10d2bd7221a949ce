"""`teahouse backup` and `teahouse restore`: everything a server is, in one folder.

    database.db      the whole SQLite database as of one moment; or
    postgres/*.copy  every table of PostgreSQL as of one moment
    media/           the files the database refers to; they never change, so they are copied after it
    secrets.json     the keys: without them no id can be read
    teahouse.toml    the configuration file, when the server has one
    backup.json      what this is

The folder is written under another name and renamed when all of it is on the disk: a backup that is there is whole.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

from teahouse import __version__
from teahouse.app import MEDIA_FOLDER, App
from teahouse.config import Config
from teahouse.db import migrate
from teahouse.db.postgres import copy_in, copy_out
from teahouse.db.sqlite import Sqlite
from teahouse.errors import Conflict, InvalidParam, NotFound
from teahouse.opening import DATABASE_FILE
from teahouse.secrets import FILE as SECRETS_FILE
from teahouse.secrets import sync_folder

ABOUT = "backup.json"
DATABASE = "database.db"
TABLES = "postgres"
CONFIG = "teahouse.toml"
EPOCH_JUMP = 1_000_000  # positions left out by a restore, so that no id of the lost part is ever given out again


async def backup(app: App, target: Path, config_file: Path | None) -> dict[str, Any]:
    """Copy a running server's data into a new folder; what was copied."""
    if target.exists():
        raise Conflict(f"{target} exists already; a backup is a new folder.")
    unfinished = target.with_name(target.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700, parents=True)
    try:
        if isinstance(app.database, Sqlite):
            await app.database.backup(unfinished / DATABASE)
        else:
            (unfinished / TABLES).mkdir()
            await copy_out(app.config.database.url, unfinished / TABLES)
        files = [path async for path in app.media.files()]
        await asyncio.to_thread(copy_media, app.config.data_dir / MEDIA_FOLDER, files, unfinished / MEDIA_FOLDER)
        shutil.copyfile(app.config.data_dir / SECRETS_FILE, unfinished / SECRETS_FILE)
        (unfinished / SECRETS_FILE).chmod(0o600)
        if config_file is not None:
            shutil.copyfile(config_file, unfinished / CONFIG)
        about = {
            "server_name": app.config.server_name,
            "version": __version__,
            "schema": migrate.versions()[-1],
            "engine": "sqlite" if isinstance(app.database, Sqlite) else "postgresql",
            "head": app.database.head,
            "media": len(files),
            "made_ms": app.clock.now_ms(),
        }
        (unfinished / ABOUT).write_text(json.dumps(about, indent=1) + "\n")
        await asyncio.to_thread(sync_tree, unfinished)
        unfinished.rename(target)
        sync_folder(target.parent)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return about


def restore(config: Config, source: Path) -> dict[str, Any]:
    """Put a backup into an empty data folder (and an empty PostgreSQL database); what it was.

    A new epoch of the log begins, so that tokens and ids given out after the backup are known to be lost; one-time keys
    go, because some were handed out since.
    """
    about = described(source)
    folder = config.data_dir
    if folder.exists() and any(folder.iterdir()):
        raise Conflict(f"{folder} is not empty; restore into a new folder.")
    if (about["engine"] == "postgresql") != bool(config.database.url):
        raise InvalidParam(f"database.url: this backup was made with {about['engine']}.")
    if about["schema"] not in migrate.versions():
        raise Conflict(f"The backup was made by a newer version ({about['version']}) than this one ({__version__}).")
    if config.database.url:
        asyncio.run(restore_tables(config.database.url, source / TABLES, about["schema"]))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (source / MEDIA_FOLDER).exists():
        shutil.copytree(source / MEDIA_FOLDER, folder / MEDIA_FOLDER)
    shutil.copyfile(source / SECRETS_FILE, folder / SECRETS_FILE)
    (folder / SECRETS_FILE).chmod(0o600)
    if not config.database.url:
        restore_file(source / DATABASE, folder / DATABASE_FILE)
    sync_tree(folder)
    return about


def described(source: Path) -> dict[str, Any]:
    """What a backup says of itself; raises NotFound."""
    try:
        about: dict[str, Any] = json.loads((source / ABOUT).read_text())
    except (OSError, ValueError):
        raise NotFound(f"{source} is not a backup: it has no readable {ABOUT}.") from None
    return about


def restore_file(source: Path, target: Path) -> None:
    """Copy a SQLite database into place and begin a new epoch in it."""
    from teahouse.db.sqlite import connect

    shutil.copyfile(source, target)
    connection = connect(target)
    try:
        connection.execute("BEGIN IMMEDIATE")
        for statement in new_epoch():
            connection.execute(statement)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


async def restore_tables(url: str, source: Path, schema: str) -> None:
    """Fill an empty PostgreSQL database and begin a new epoch in it.

    The tables are made as they were when the backup was; the next start upgrades them.
    """
    if await migrate.stored_in_postgres(url) is not None:
        raise Conflict("database.url: this PostgreSQL database is not empty; restore into a new one.")
    await migrate.upgrade_postgres(url, schema)
    await copy_in(url, source, new_epoch())


def new_epoch() -> list[str]:
    """The statements that begin a new life of the log."""
    now_ms = time.time_ns() // 1_000_000
    return [
        "INSERT INTO epochs (epoch, first_pos, started_ms) SELECT "
        f"(SELECT max(epoch) + 1 FROM epochs), next_pos + {EPOCH_JUMP}, {now_ms} FROM shards WHERE shard = 0",
        f"UPDATE shards SET next_pos = next_pos + {EPOCH_JUMP + 1} WHERE shard = 0",
        "DELETE FROM one_time_keys",
        "DELETE FROM fallback_keys",
    ]


def copy_media(folder: Path, files: list[Path], target: Path) -> None:
    """Copy media files, keeping their places."""
    for path in files:
        copy = target / path.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def sync_tree(folder: Path) -> None:
    """Make everything in a folder durable."""
    for path in [*folder.rglob("*"), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
