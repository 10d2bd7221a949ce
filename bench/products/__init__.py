"""The servers under test. A product says how it is installed, started and asked about itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

SERVER_NAME = "bench.test"


@dataclass(frozen=True)
class Verified:
    """What a product's own proof of its stored data said."""

    ok: bool
    messages: int | None  # m.room.message events it counted; None when it does not say
    text: str


class Product(Protocol):
    name: str

    def install(self) -> None:
        """Make it runnable here; quick when it already is."""

    def version(self) -> str: ...

    def prepare(self, data: Path, port: int) -> None:
        """Write what the server needs in its data folder before it starts on this port; may run again."""

    def command(self, data: Path, port: int) -> Sequence[str]: ...

    def builder(self, data: Path, port: int) -> Sequence[str]:
        """The command to build a world with: the same server, where it may save what nobody measures."""

    def environment(self) -> Mapping[str, str]: ...

    def durability(self, data: Path) -> Mapping[str, str]:
        """The settings in force, read back while the server runs."""

    def settings(self) -> str:
        """In one sentence, how it is configured other than by default."""

    def load_followers(self, data: Path, handle: str, count: int) -> None:
        """Let so many more follow a public account, in the data of a stopped server."""

    def verify_accounts(self, data: Path) -> None:
        """Give every public account a badge, in the data of a stopped server."""

    def verify(self, data: Path) -> Verified | None:
        """Its own proof of the data of a stopped server; None when it has none."""
