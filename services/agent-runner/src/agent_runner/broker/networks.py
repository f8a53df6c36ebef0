"""Which /29 an agent's network gets, and what its addresses are for.

Docker's own pools end at about 31 networks; an explicit subnet has no such end.
"""

from collections.abc import Collection, Iterator
from ipaddress import IPv4Address, IPv4Network

__all__ = ["free_subnets", "runner_address", "silent_address"]

_PREFIX_LENGTH = 29
_SIZE = 8


def free_subnets(
    within: IPv4Network, taken: Collection[IPv4Network], *, start: int
) -> Iterator[IPv4Network]:
    """Yield every /29 of *within* that overlaps nothing of *taken*.

    *start* is any number; callers who bring different ones begin at different places,
    and so seldom choose the same.
    """
    wide = [each for each in taken if each.prefixlen < _PREFIX_LENGTH]
    narrow = {
        each.supernet(new_prefix=_PREFIX_LENGTH)
        for each in taken
        if each.prefixlen >= _PREFIX_LENGTH
    }
    count = within.num_addresses // _SIZE
    for offset in range(count):
        address = within[(start + offset) % count * _SIZE]
        subnet = IPv4Network((address, _PREFIX_LENGTH))
        if subnet not in narrow and not any(map(subnet.overlaps, wide)):
            yield subnet


def runner_address(subnet: IPv4Network) -> IPv4Address:
    """Return the bridge's own address, on which the runner listens for the agent."""
    return subnet[1]


def silent_address(subnet: IPv4Network) -> IPv4Address:
    """Return an address that nobody holds; the default route of the agent ends there.

    Docker 20.10 gives an internal network a default route through the bridge, and
    with it the listeners on every other address of the host, those of other agents
    included (its rules drop what is forwarded, not what the host itself takes).
    """
    return subnet[6]
