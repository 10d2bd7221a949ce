"""`teahouse serve`: one process on one data folder, from the first start to a graceful stop."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import gc
import logging
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import uvloop

from teahouse.admin import actions
from teahouse.admin.socket import ControlSocket
from teahouse.app import App, build
from teahouse.clock import SystemClock
from teahouse.config import BadSetting, Config
from teahouse.db.sqlite import connect
from teahouse.errors import Conflict
from teahouse.http.server import Server, raise_file_limit
from teahouse.matrix import identifiers

LOCK_FILE = "lock"
COLLECT_AFTER_OBJECTS = 50_000  # net allocations between two looks at the youngest objects
CHECK_S = 1.0  # how often the server looks whether its writer still runs
FALLBACK_NAME = "localhost"  # of a server that nobody was there to name

log = logging.getLogger("teahouse")


def serve(config: Config) -> int:
    """Serve until a signal; the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(config.data_dir):
        named = replace(config, server_name=server_name(config))
        raise_file_limit()
        calm_collector()
        return uvloop.run(run(named))


def calm_collector() -> None:
    """Let the garbage collector leave alone what lives as long as the process, and come by less often.

    Caches hold millions of objects and no cycles; walking them would stop every answer for tenths of a second.
    """
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER_OBJECTS, 50, 100)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a data folder for this process alone; raises Conflict naming the process that holds it."""
    path = folder / LOCK_FILE
    with open(path, "a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise Conflict(f"The data folder {folder} is in use by process {holder}.") from None
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def server_name(config: Config) -> str:
    """The server's name: as configured, as stored, or asked for at the first start."""
    if config.server_name:
        return checked_name(config.server_name)
    stored = stored_name(config)
    if stored is not None:
        return stored
    if not sys.stdin.isatty():
        print(f"No server_name is set: using {FALLBACK_NAME}, which cannot change later.", file=sys.stderr)
        return FALLBACK_NAME
    print("What is this server to be called? User ids end in it, such as @you:example.org, and it cannot change later.")
    return checked_name(input(f"Server name [{FALLBACK_NAME}]: ").strip() or FALLBACK_NAME)


def stored_name(config: Config) -> str | None:
    """The name in an existing SQLite database. With PostgreSQL the configuration must name the server."""
    path = config.data_dir / "teahouse.db"
    if config.database.url or not path.exists():
        return None
    connection = connect(path, query_only=True)
    try:
        known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'settings'").fetchone()
        row = connection.execute("SELECT value FROM settings WHERE name = 'server_name'").fetchone() if known else None
    finally:
        connection.close()
    return None if row is None else str(row[0])


def checked_name(name: str) -> str:
    """A server name; raises BadSetting."""
    try:
        return identifiers.server_name(name)
    except Exception:
        raise BadSetting(f"server_name: {name!r} is not a server name, such as example.org.") from None


async def run(config: Config) -> int:
    """Everything of one process, from its data to its socket."""
    app = await build(config, SystemClock())
    server = Server(app.http, config.host, config.port)
    control = ControlSocket(partial(actions.perform, app), config.data_dir)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopping.set)
    background = loop.create_task(app.run())
    watching = loop.create_task(watch(app, background, stopping))
    screen = welcome(config, server.address, await first_admin_link(app, config, server.address))
    serving = loop.create_task(server.serve(lambda: print(screen, flush=True)))
    await control.open()
    await stopping.wait()
    app.waiters.stop()
    server.stop()
    await serving
    await control.close()
    watching.cancel()
    failed = app.database.failed
    background.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await background
    await app.close()
    if failed is not None:
        log.error("The store stopped: %s. Start the server again; it goes on from what is on the disk.", failed)
    return 1 if failed is not None else 0


async def watch(app: App, background: asyncio.Task[None], stopping: asyncio.Event) -> None:
    """Stop the server when its writer or its background work has ended."""
    while app.database.failed is None and not background.done():
        await asyncio.sleep(CHECK_S)
    stopping.set()


async def first_admin_link(app: App, config: Config, address: tuple[str, int]) -> str | None:
    """The one-use link that makes the first administrator; None when there is one."""
    if await app.accounts.has_admin():
        return None
    for token in await app.accounts.tokens():
        if token.makes_admin and token.valid(app.clock.now_ms()):
            return f"{base_url(config, address)}/setup?token={token.token}"
    made = await app.accounts.make_token(None, 1, None, makes_admin=True)
    return f"{base_url(config, address)}/setup?token={made.token}"


def base_url(config: Config, address: tuple[str, int]) -> str:
    """Where people reach the server."""
    host, port = address
    return config.public_url.rstrip("/") or f"http://{f'[{host}]' if ':' in host else host}:{port}"


def welcome(config: Config, address: tuple[str, int], link: str | None) -> str:
    """The one screen an operator sees."""
    lines = [
        "",
        f"  Teahouse is open: {base_url(config, address)}",
        f"  Server name:      {config.server_name}",
        f"  Data:             {config.data_dir.resolve()}" + (" (and PostgreSQL)" if config.database.url else ""),
    ]
    if link is not None:
        lines += ["", "  Make the first administrator (works once):", f"  {link}"]
    lines += ["", "  Stop with Ctrl-C.", ""]
    return "\n".join(lines)
