"""Who is at the other end: the peer, or whom a trusted proxy speaks for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network


class ClientAddresses:
    """Reads client addresses behind the operator's own proxies."""

    def __init__(self, trusted: Collection[str]) -> None:
        """`trusted` are addresses or networks."""
        self._trusted: list[IPv4Network | IPv6Network] = [ip_network(each, strict=False) for each in trusted]

    def of(self, peer: str, headers: Mapping[str, str]) -> str:
        """The client's address. Behind trusted proxies: the last hop that none of them vouches for."""
        if not self._trusted or not self._is_trusted(peer):
            return peer
        for hop in reversed(headers.get("x-forwarded-for", "").split(",")):
            address = hop.strip()
            if not is_address(address):
                break
            if not self._is_trusted(address):
                return address
        return peer

    def _is_trusted(self, address: str) -> bool:
        return is_address(address) and any(ip_address(address) in network for network in self._trusted)


def is_address(text: str) -> bool:
    """Whether a text is an IP address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
