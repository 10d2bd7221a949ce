"""A name server on loopback, over UDP, with a zone that tests write."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


@dataclass
class Zone(asyncio.DatagramProtocol):
    """Records by (name, type). Several answers to one question are given one after the other; the last one stays."""

    server: str = ""
    records: dict[tuple[str, str], list[list[str]]] = field(default_factory=dict)
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    silent: bool = False

    def put(self, name: str, kind: str, *answers: list[str]) -> None:
        self.records[name, kind] = list(answers)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        name = query.question[0].name
        key = (name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(query.question[0].rdtype))
        self.asked[key] += 1
        if self.silent:
            return
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        answers = self.records.get(key)
        if answers:
            texts = answers.pop(0) if len(answers) > 1 else answers[0]
            response.answer.append(dns.rrset.from_text(name, 0, "IN", key[1], *texts))
        elif not any(known == key[0] for known, _ in self.records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        self._transport.sendto(response.to_wire(), addr)


@asynccontextmanager
async def zone() -> AsyncIterator[Zone]:
    """A name server on a free port."""
    loop = asyncio.get_running_loop()
    transport, made = await loop.create_datagram_endpoint(Zone, local_addr=("127.0.0.1", 0))
    made.server = f"127.0.0.1:{transport.get_extra_info('sockname')[1]}"
    try:
        yield made
    finally:
        transport.close()
