"""What is fetched, and what is mailed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import msgspec

from teahouse.db import Transaction


class Names(Protocol):
    """The domain name system."""

    async def txt(self, name: str) -> list[str]:
        """The TXT records of a name; none for a name without. Raises OutsideFailed."""

    async def addresses(self, host: str) -> list[str]:
        """The IP addresses of a host. Raises OutsideFailed, also for a host without."""


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server said of the copy that was fetched, to ask next time whether it changed."""

    etag: str = ""
    modified: str = ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came back. `url` is where it was found in the end; `unchanged` when the known copy is still good."""

    url: str
    body: bytes
    content_type: str  # without parameters, in small letters; '' when the server named none
    charset: str
    validators: Validators
    unchanged: bool = False


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """How long a fetch may take, in seconds, redirects and look-ups included in `total_s`."""

    connect_s: float = 10.0
    silence_s: float = 10.0  # between two pieces of an answer
    total_s: float = 30.0


class Outcome(Protocol):
    """Hears what became of mails, inside the transaction that notes it."""

    async def __call__(self, tx: Transaction, about: str, *, arrived: bool) -> None:
        """The mail server took the mail that its writer calls `about`, or it was given up."""


class Letter(msgspec.Struct, frozen=True, omit_defaults=True):
    """A mail to be. `unsubscribe` is an address that takes RFC 8058's one-click POST; '' for none.

    `about` is the writer's own word for it, told to those who listen.
    """

    recipient: str
    subject: str
    text: str
    unsubscribe: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A mail in the outbox, still sealed."""

    mail_no: int
    message_id: str
    about: str
    content: bytes
    written_ms: int
    attempts: int
