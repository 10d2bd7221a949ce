"""The ways to the outside world, put together in one place."""

from __future__ import annotations

from teahouse.clock import Clock
from teahouse.config import MailConfig, OutboundConfig
from teahouse.db import Database
from teahouse.outbound.fetcher import Fetcher
from teahouse.outbound.guard import Guard
from teahouse.outbound.letters import sender
from teahouse.outbound.mail import Mail
from teahouse.outbound.names import Dns
from teahouse.outbound.sealing import AddressBook
from teahouse.outbound.smtp import relay


class Outside:
    """Names, the web and mail."""

    def __init__(
        self, database: Database, clock: Clock, outbound: OutboundConfig, mail: MailConfig, home: str,
        address_key: bytes,
    ) -> None:  # fmt: skip
        """`home` is where those who are asked learn who asks."""
        ports = [int(port) for port in outbound.allowed_ports]
        self.names = Dns(outbound.dns_server)
        self.fetcher = Fetcher(self.names, Guard(outbound.allowed_networks), ports, home)
        to = relay(mail.smtp_url) if mail.smtp_url else None
        self.mail = Mail(database, clock, AddressBook(address_key), to, ("", "") if to is None else sender(mail.sender))
