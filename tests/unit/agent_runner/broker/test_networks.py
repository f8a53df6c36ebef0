from ipaddress import IPv4Address, IPv4Network

import pytest

from agent_runner.broker.networks import (
    free_subnets,
    runner_address,
    silent_address,
)

RANGE = IPv4Network("10.201.0.0/24")


def first_free(*taken: str, start: int = 0) -> str:
    subnets = free_subnets(RANGE, [*map(IPv4Network, taken)], start=start)
    return str(next(subnets))


def test_an_empty_range_is_free_from_its_beginning() -> None:
    assert first_free() == "10.201.0.0/29"


def test_every_subnet_is_offered_once() -> None:
    subnets = list(free_subnets(RANGE, [], start=7))

    assert sorted(subnets) == list(RANGE.subnets(new_prefix=29))


def test_another_start_begins_elsewhere() -> None:
    assert first_free(start=5) == "10.201.0.40/29"


def test_the_start_wraps_around() -> None:
    assert first_free(start=2**128 + 1) == "10.201.0.8/29"


@pytest.mark.parametrize(
    ("taken", "free"),
    [
        ("10.201.0.0/29", "10.201.0.8/29"),
        ("10.201.0.4/30", "10.201.0.8/29"),
        ("10.201.0.7/32", "10.201.0.8/29"),
        ("10.201.0.0/26", "10.201.0.64/29"),
        ("172.17.0.0/16", "10.201.0.0/29"),
    ],
)
def test_what_overlaps_another_network_is_skipped(taken: str, free: str) -> None:
    assert first_free(taken) == free


@pytest.mark.parametrize("taken", ["10.201.0.0/24", "10.0.0.0/8"])
def test_a_full_range_offers_nothing(taken: str) -> None:
    assert not list(free_subnets(RANGE, [IPv4Network(taken)], start=3))


def test_the_runner_and_nobody_have_their_addresses_in_every_subnet() -> None:
    subnet = IPv4Network("10.201.0.8/29")

    assert runner_address(subnet) == IPv4Address("10.201.0.9")
    assert silent_address(subnet) == IPv4Address("10.201.0.14")
