"""The way to the operator's mail server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib

ANSWER_LIMIT_S = 30.0  # for each answer of the mail server
ANSWER_SHOWN_MAX_CHARACTERS = 300  # of what the mail server said, kept for the operator


class Refusal(Exception):
    """The mail server did not take one mail. `lasting` when it never will."""

    def __init__(self, said: str, *, lasting: bool) -> None:
        super().__init__(said)
        self.said = said[:ANSWER_SHOWN_MAX_CHARACTERS]
        self.lasting = lasting


class Unreached(Exception):
    """The mail server cannot be spoken to now: it is down, or refuses this server as a whole."""


class Line(Protocol):
    """An open connection to a mail server."""

    async def send(self, sender: str, recipient: str, mail: bytes) -> None:
        """Returns once the server has taken the mail; raises Refusal or Unreached."""


@dataclass(frozen=True, slots=True)
class Relay:
    """A mail server: `smtp://user:password@host:587` (STARTTLS) or `smtps://…` (TLS from the first byte)."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    tls: bool = False

    @property
    def start_tls(self) -> bool | None:
        """Whether to ask for TLS: always before a password goes out, never to this machine, else when it is offered."""
        if self.tls or is_this_machine(self.host):
            return False
        return True if self.user else None

    @asynccontextmanager
    async def line(self) -> AsyncIterator[Line]:
        """A connection, ready to send; raises Unreached."""
        client = aiosmtplib.SMTP(
            hostname=self.host, port=self.port, username=self.user or None, password=self.password or None,
            use_tls=self.tls, start_tls=self.start_tls, timeout=ANSWER_LIMIT_S,
        )  # fmt: skip
        try:
            await client.connect()
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:  # ValueError: a password it cannot send
            client.close()
            raise Unreached(said(error)) from None
        try:
            yield SmtpLine(client)
            with suppress(aiosmtplib.SMTPException, OSError):
                await client.quit()
        finally:
            client.close()


class SmtpLine:
    """A connection over SMTP."""

    def __init__(self, client: aiosmtplib.SMTP) -> None:
        self._client = client

    async def send(self, sender: str, recipient: str, mail: bytes) -> None:
        """See Line."""
        try:
            await self._client.sendmail(sender, [recipient], mail)
        except aiosmtplib.SMTPRecipientsRefused as error:
            first = error.recipients[0]
            raise Refusal(f"{first.code} {first.message}", lasting=first.code >= 500) from None
        except aiosmtplib.SMTPDataError as error:
            raise Refusal(said(error), lasting=error.code >= 500) from None
        except aiosmtplib.SMTPResponseException as error:
            raise Refusal(said(error), lasting=False) from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise Unreached(said(error)) from None


def relay(url: str) -> Relay:
    """The mail server of a setting; raises ValueError."""
    parts = urlsplit(url)
    tls = parts.scheme == "smtps"
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ValueError("not a mail server")
    port = parts.port or (465 if tls else 587)
    return Relay(parts.hostname, port, unquote(parts.username or ""), unquote(parts.password or ""), tls)


def is_this_machine(host: str) -> bool:
    """Whether what is said to a host stays on this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def said(error: Exception) -> str:
    """What went wrong, for the operator."""
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{error.code} {error.message}"
    return str(error) or type(error).__name__
