"""Questions to the domain name system, bounded in time and number.

The hosts file is not asked: what the server looks up on somebody's word is public or it is nothing.
"""

from __future__ import annotations

import asyncio
import re

import dns.asyncresolver
import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver

from teahouse.errors import OutsideFailed

LOOKUP_LIMIT_S = 5.0  # one question, all servers and repetitions included
LOOKUPS_MAX = 50  # under way at once; others wait for their turn
RECORDS_MAX = 100  # of one answer: a proof stands among a domain's other records
PORT = 53
_LABEL = "[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,254}}$)({_LABEL}\.)*{_LABEL}\.?")


class Dns:
    """The domain name system through one server, or through the system's."""

    def __init__(self, server: str) -> None:
        """`server` is an address with or without a port; '' takes the system's servers."""
        self._server = server
        self._resolver: dns.asyncresolver.Resolver | None = None
        self._turns = asyncio.Semaphore(LOOKUPS_MAX)

    async def txt(self, name: str) -> list[str]:
        """See Names."""
        answers = await self._ask(name, dns.rdatatype.TXT)
        return [b"".join(answer.strings).decode(errors="replace") for answer in answers[:RECORDS_MAX]]

    async def addresses(self, host: str) -> list[str]:
        """See Names."""
        found = await asyncio.gather(self._ask(host, dns.rdatatype.AAAA), self._ask(host, dns.rdatatype.A))
        addresses = [answer.address for answers in found for answer in answers[:RECORDS_MAX]]
        if not addresses:
            raise OutsideFailed(f"There is no server called {host}.")
        return addresses

    async def _ask(self, name: str, kind: dns.rdatatype.RdataType) -> list[dns.resolver.Answer]:
        if not _HOST.fullmatch(name.lower()):
            raise OutsideFailed("This is not the name of a server.")
        async with self._turns:
            try:
                async with asyncio.timeout(LOOKUP_LIMIT_S):
                    answer = await self._system().resolve(
                        name, kind, search=False, lifetime=LOOKUP_LIMIT_S, raise_on_no_answer=False
                    )
            except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
                return []
            except (dns.exception.DNSException, OSError, TimeoutError):
                raise OutsideFailed(f"The name {name} could not be looked up; try again later.") from None
        return list(answer.rrset or ())

    def _system(self) -> dns.asyncresolver.Resolver:
        """The resolver, made when it is first needed: a machine without network starts too."""
        if self._resolver is None:
            self._resolver = dns.asyncresolver.Resolver(configure=not self._server)
            if self._server:
                host, port = host_and_port(self._server)
                self._resolver.nameservers = [host]
                self._resolver.port = port
        return self._resolver


def host_and_port(server: str) -> tuple[str, int]:
    """The parts of `192.0.2.1`, `192.0.2.1:53`, `2001:db8::1` or `[2001:db8::1]:53`."""
    host, colon, port = server.rpartition(":")
    if colon and port.isdigit() and (":" not in host or host.startswith("[")):
        return host.strip("[]"), int(port)
    return server.strip("[]"), PORT
