"""Which addresses the server may connect to on somebody's word: those of the public internet, and what the operator
adds. Pure; knows no names, only addresses."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

# Source: IANA IPv4 Special-Purpose Address Registry, and RFC 3068 for the 6to4 relays.
REFUSED_V4 = [
    ip_network(each)
    for each in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
    )
]  # fmt: skip
# IPv6 is judged the other way round: only global unicast is public. That leaves out loopback, mapped IPv4 addresses,
# NAT64, unique local, link-local and multicast without naming them. Source: IANA IPv6 Global Unicast Address Space.
PUBLIC_V6 = ip_network("2000::/3")
# Inside it: Teredo and other protocols' own, documentation twice, 6to4, which carries an IPv4 address.
REFUSED_V6 = [ip_network(each) for each in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]


class Guard:
    """Judges addresses."""

    def __init__(self, allowed: Sequence[str]) -> None:
        """`allowed` are networks that the operator lets through although they are not public."""
        self._allowed: list[Network] = [ip_network(each, strict=False) for each in allowed]

    def allows(self, text: str) -> bool:
        """Whether the server may connect to an address; never to what is no address."""
        address = parse(text)
        return address is not None and (is_public(address) or any(address in network for network in self._allowed))


def parse(text: str) -> Address | None:
    """An IP address as it may stand in a web address, or None."""
    try:
        return ip_address(text.strip("[]"))
    except ValueError:
        return None


def is_public(address: Address) -> bool:
    """Whether an address belongs to a machine on the public internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in REFUSED_V4)
    # A scope names an interface of this machine: nothing public has one.
    in_public = address in PUBLIC_V6 and address.scope_id is None
    return in_public and not any(address in network for network in REFUSED_V6)
