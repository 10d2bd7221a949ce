"""Which addresses are public."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teahouse.outbound.guard import Guard, is_public


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001::200e"])
def test_addresses_of_the_public_internet_are_allowed(address: str) -> None:
    assert Guard([]).allows(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "0.1.2.3", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.255",
        "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.0.1",
        "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
        "255.255.255.255", "::", "::1", "::ffff:8.8.8.8", "::ffff:0:8.8.8.8", "::8.8.8.8", "64:ff9b::808:808",
        "64:ff9b:1::1", "100::1", "2001::1", "2001:10::1", "2001:db8::1", "2002:808:808::1", "3fff::1", "fc00::1",
        "fdff::1", "fe80::1", "fe80::1%eth0", "2606:4700::1111%eth0", "fec0::1", "ff02::1", "5f00::1",
        "example.org", "", "1.1.1.1.", "1.1.1", "0x1010101",
    ],
)  # fmt: skip
def test_all_others_are_not(address: str) -> None:
    assert not Guard([]).allows(address)


@given(st.ip_addresses())
def test_what_python_calls_private_is_never_public(address: object) -> None:
    found = ip_address(str(address))
    if not found.is_global or found.is_multicast or found.is_reserved:
        assert not is_public(found)


def test_a_network_is_allowed_by_name_and_nothing_that_embeds_it() -> None:
    guard = Guard(["127.0.0.0/8", "fd00::/8"])
    assert guard.allows("127.0.0.1")
    assert guard.allows("fd00::1")
    for address in ("::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "10.0.0.1", "fe80::1"):
        assert not guard.allows(address)
