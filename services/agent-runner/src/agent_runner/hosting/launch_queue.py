"""Which agents launch now, where many are to: pure.

Launches share the machine's cores. Begun all at once, none would say its first word in
time.
"""

from collections.abc import Collection
from uuid import UUID

__all__ = ["LaunchQueue"]


class LaunchQueue:
    """Lets *most* launches be under way at once, first come first served."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._under_way: set[UUID] = set()
        self._waiting: list[UUID] = []

    @property
    def is_waited_for(self) -> bool:
        return bool(self._waiting)

    def admit(self, asking: Collection[UUID]) -> list[UUID]:
        """Return who begins now, of all who ask; each has to `leave`.

        The others wait in the order in which they first asked. Whoever does not ask
        again has lost its place.
        """
        known = set(self._waiting)
        queue = [each for each in self._waiting if each in asking]
        queue += [each for each in asking if each not in known | self._under_way]
        free = max(0, self._most - len(self._under_way))
        begun, self._waiting = queue[:free], queue[free:]
        self._under_way.update(begun)
        return begun

    def leave(self, agent_id: UUID) -> None:
        """Note that a launch is over, well or badly."""
        self._under_way.discard(agent_id)
