"""Places in the log as clients hold them: opaque, never expiring."""

from __future__ import annotations

import msgspec

from teahouse.errors import InvalidParam


class Token(msgspec.Struct, frozen=True, gc=False):
    """Between two events: after everything up to `pos`, of the log's life `epoch`.

    `serial` counts the ephemeral changes of a process, `inbox` is the last to-device message given out; both matter to
    sync alone.
    """

    epoch: int
    pos: int
    serial: int = 0
    inbox: int = 0

    def __str__(self) -> str:
        return f"s{self.epoch}_{self.pos}_{self.serial}_{self.inbox}"


def parse(text: str) -> Token:
    """Read a token back; raises InvalidParam for what is none of ours."""
    parts = text.removeprefix("s").split("_")
    if not text.startswith("s") or len(parts) != 4 or not all(
        part.isascii() and part.isdigit() and len(part) < 18 for part in parts
    ):  # fmt: skip
        raise InvalidParam("This is not a pagination or sync token of this server.")
    return Token(*map(int, parts))
