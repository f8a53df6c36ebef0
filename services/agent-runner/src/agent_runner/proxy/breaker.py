"""Circuit breakers: who is left alone for a while, because asking was of no use.

One for each provider and model. Three failures in a row open it, or a `Retry-After`;
then one call at a time probes it, and a success closes it. Whether there is another
candidate is the caller's to know: the last one is asked, open or not.
"""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

__all__ = ["Breakers", "Circuit"]

Circuit = tuple[UUID, str]
"""A provider and a model."""

_FAILURES_TO_OPEN = 3
_FIRST_REST_SECONDS = 5.0
_LONGEST_REST_SECONDS = 60.0
_LONGEST_RETRY_AFTER_SECONDS = 300.0
# A probe that has not ended by then is no reason any more not to try another.
_PROBE_SECONDS = 30.0


@dataclass(slots=True)
class _State:
    failures: int = 0
    rests_until: float = float("-inf")
    next_rest_seconds: float = _FIRST_REST_SECONDS
    probe: object = None
    """The call that probes it."""
    probed_at: float = float("-inf")

    @property
    def is_open(self) -> bool:
        return self.rests_until > float("-inf")


class Breakers:
    """*jitter* gives numbers from 0 to 1, so that runners do not probe together.

    *call* is who asks, of which each circuit is asked once at a time. *now* is of a
    monotonic clock, in seconds.
    """

    def __init__(self, *, jitter: Callable[[], float]) -> None:
        self._jitter = jitter
        self._states: dict[Circuit, _State] = {}

    def admits(self, circuit: Circuit, call: object, now: float) -> bool:
        """Say whether to ask; *call* is the probe then if the circuit is open."""
        state = self._states.get(circuit)
        if state is None or not state.is_open:
            return True
        is_probed = state.probe is not None and now - state.probed_at < _PROBE_SECONDS
        if now < state.rests_until or is_probed:
            return False
        state.probe, state.probed_at = call, now
        return True

    def succeeded(self, circuit: Circuit) -> None:
        """Note an answer, be it that the request is wrong."""
        self._states.pop(circuit, None)

    def failed(
        self,
        circuit: Circuit,
        call: object,
        now: float,
        *,
        retry_after_seconds: float | None = None,
    ) -> None:
        """Note that asking was of no use; the later of two ends of the rest counts.

        Calls that were under way, or had nobody else to ask, say nothing of the probe.
        """
        state = self._states.setdefault(circuit, _State())
        state.failures += 1
        was_probe = state.probe is call
        if retry_after_seconds is not None:
            seconds = min(retry_after_seconds, _LONGEST_RETRY_AFTER_SECONDS)
            state.rests_until = max(state.rests_until, now + self._more(seconds))
        if was_probe:
            state.probe = None
        if was_probe or state.failures == _FAILURES_TO_OPEN:
            rest = self._more(state.next_rest_seconds)
            state.rests_until = max(state.rests_until, now + rest)
            state.next_rest_seconds = min(
                state.next_rest_seconds * 2, _LONGEST_REST_SECONDS
            )

    def gave_up(self, circuit: Circuit, call: object) -> None:
        """Note that a call ended which tells nothing: its client went away."""
        state = self._states.get(circuit)
        if state is not None and state.probe is call:
            state.probe = None

    def _more(self, seconds: float) -> float:
        return seconds * (1 + self._jitter() / 4)
