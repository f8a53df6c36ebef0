"""How unlikely it is that chance alone made so many, or all of them so high."""

from collections.abc import Mapping
from math import exp, log

__all__ = ["chance_of", "chance_of_mean"]

# Any of them gives a bound; the best is near how far the mean is off, in variances.
_TILTS = (0.01, 0.02, 0.04, 0.06, 0.08, 0.11, 0.16)


def chance_of(hits: int, *, among: int, usual: float) -> float:
    """Bound the probability of *hits* or more *among* so many, each with *usual*.

    Chernoff's bound of a binomial tail (Hoeffding, JASA 58, 1963, theorem 1): never
    too small, and in closed form for any numbers. *usual* is between 0 and 1, both
    excluded.
    """
    share = hits / among
    if share <= usual:
        return 1.0
    surprise = share * log(share / usual)
    if share < 1:
        surprise += (1 - share) * log((1 - share) / (1 - usual))
    return exp(-among * surprise)


def chance_of_mean(mean: float, *, among: int, usual: Mapping[int, int]) -> float:
    """Bound the probability that so many have *mean* or more, each drawn from *usual*.

    *usual* says how often there was each value, of the size of bins of a sketch. It is
    Chernoff's bound again, of a sum of any values (Annals of Mathematical Statistics
    23, 1952, theorem 1).
    """
    total = sum(usual.values())
    surprise = max(
        -log(sum(count * exp(tilt * (value - mean)) for value, count in usual.items()))
        for tilt in _TILTS
    ) + log(total)
    return exp(-among * max(0.0, surprise))
