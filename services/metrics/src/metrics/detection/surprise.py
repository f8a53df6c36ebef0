"""How unlikely it is that chance alone made so many of so few."""

from math import exp, log

__all__ = ["chance_of"]


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
