"""The address lists by example: edges, wrapped addresses, metadata of the clouds."""

from ipaddress import ip_address

import pytest

from shared.addresses import AddressKind, classify


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2606:4700::6810:85e5",
        "2a00:1450:4001::200e",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
    ],
)
def test_what_everyone_can_reach_is_public(address: str) -> None:
    assert classify(ip_address(address)) is AddressKind.PUBLIC


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "100.64.0.0",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "::1",
        "fc00::1",
        "fdff::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::192.168.0.1",
    ],
)
def test_loopback_and_own_networks_are_private(address: str) -> None:
    assert classify(ip_address(address)) is AddressKind.PRIVATE


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104 - an address to refuse
        "0.1.2.3",
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:a9fe:a9fe::",
        "2002:7f00:1::",
        "3fff::1",
        "5f00::1",
        "fd00:42::42",
        "fd00:ec2::254",
        "fd20:ce::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_metadata_link_local_and_reserved_are_forbidden(address: str) -> None:
    assert classify(ip_address(address)) is AddressKind.FORBIDDEN
