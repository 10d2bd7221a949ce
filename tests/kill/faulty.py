"""The server with one planted fault: `python -m tests.kill.faulty POINT COUNT serve …` dies at the COUNT-th time there.

Points: before_commit, in_commit, after_commit, checkpoint, migration. The process ends as by `kill -9`: nothing is
flushed. Times in a migration are its statements, those of all migrations counted through.
"""

import os
import sys
import threading
from collections.abc import Iterator
from typing import Any

from teahouse.__main__ import main
from teahouse.db import migrate, postgres, sqlite

DEAD = 137
SOON_S = 0.0005  # into a commit or a checkpoint: less than writing one to a disk takes


class Fuse:
    """Counts down, then ends the process."""

    def __init__(self, count: int) -> None:
        self._left = count

    def burn(self) -> bool:
        self._left -= 1
        return self._left <= 0


def plant(point: str, fuse: Fuse) -> None:
    """Replace one function by itself with a death before, in or after it."""
    if point.endswith("_commit"):
        for connection in (sqlite.WriterConnection, postgres.WriterConnection):
            plant_in_commits(connection, point, fuse)
    elif point == "checkpoint":
        plant_in_checkpoints(fuse)
    else:
        plant_in_migrations(fuse)


def plant_in_commits(connection: Any, point: str, fuse: Fuse) -> None:
    commit = connection.commit

    async def deadly(self: Any) -> None:
        due = fuse.burn()
        if due and point == "before_commit":
            os._exit(DEAD)
        if due and point == "in_commit":
            threading.Timer(SOON_S, os._exit, (DEAD,)).start()
        await commit(self)
        if due:
            os._exit(DEAD)

    connection.commit = deadly


def plant_in_checkpoints(fuse: Fuse) -> None:
    sqlite.CHECKPOINT_BYTES = 200_000
    checkpoint = sqlite.Sqlite._checkpoint_now

    def cut_short(self: sqlite.Sqlite) -> None:
        if fuse.burn():
            threading.Timer(SOON_S, os._exit, (DEAD,)).start()
        checkpoint(self)

    sqlite.Sqlite._checkpoint_now = cut_short  # type: ignore[method-assign]


def plant_in_migrations(fuse: Fuse) -> None:
    statements = migrate.statements

    def interrupted(version: str, words: dict[str, str]) -> Iterator[str]:
        for statement in statements(version, words):
            if fuse.burn():
                os._exit(DEAD)
            yield statement

    migrate.statements = interrupted  # type: ignore[assignment]


if __name__ == "__main__":
    point, count, *arguments = sys.argv[1:]
    plant(point, Fuse(int(count)))
    sys.exit(main(arguments))
