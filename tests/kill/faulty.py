"""The server with one planted fault: `python -m tests.kill.faulty POINT COUNT serve …` dies at the COUNT-th time there.

Points: before_commit, after_commit, checkpoint, migration. The process ends as by `kill -9`: nothing is flushed.
"""

import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from teahouse.__main__ import main
from teahouse.db import migrate, sqlite

DEAD = 137


class Fuse:
    """Counts down, then ends the process."""

    def __init__(self, count: int) -> None:
        self._left = count

    def burn(self) -> bool:
        self._left -= 1
        return self._left <= 0


def plant(point: str, fuse: Fuse) -> None:
    """Replace one function by itself with a death before, in or after it."""
    if point in ("before_commit", "after_commit"):
        commit = sqlite.WriterConnection.commit

        async def deadly(self: sqlite.WriterConnection) -> None:
            due = fuse.burn()
            if due and point == "before_commit":
                os._exit(DEAD)
            await commit(self)
            if due:
                os._exit(DEAD)

        sqlite.WriterConnection.commit = deadly  # type: ignore[method-assign]
    elif point == "checkpoint":
        sqlite.CHECKPOINT_BYTES = 200_000
        checkpoint = sqlite.Sqlite._checkpoint_now

        def cut_short(self: sqlite.Sqlite) -> None:
            if fuse.burn():
                threading.Timer(0.001, os._exit, (DEAD,)).start()
            checkpoint(self)

        sqlite.Sqlite._checkpoint_now = cut_short  # type: ignore[method-assign]
    else:
        run: Callable[..., Any] = migrate.run

        def interrupted(*arguments: Any) -> None:
            if fuse.burn():
                os._exit(DEAD)
            run(*arguments)

        migrate.run = interrupted


if __name__ == "__main__":
    point, count, *arguments = sys.argv[1:]
    plant(point, Fuse(int(count)))
    sys.exit(main(arguments))
