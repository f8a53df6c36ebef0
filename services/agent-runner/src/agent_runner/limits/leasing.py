"""Admitting calls by the shares this runner holds, and leasing more where they end.

What is here is taken without waiting. What is not is asked of the record: one statement
at a time, for all calls that wait. Nothing is refused that the record did not refuse.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from agent_runner.tenure import Monotonic, boot_time
from shared.errors import AppError, DatabaseUnavailableError
from shared.ids import new_id
from shared.timeouts import timeout

from .database_clock import DatabaseClock
from .exchange import Asked, Granted, ShareRecord, Told, Wish
from .limit import Limit, Need, Span
from .refusals import refused
from .shares import Part, Share, Shares

__all__ = ["Leasing", "Observe"]

log = structlog.get_logger(__name__)

_WITHIN_SECONDS = 3.0
_FLUSH_SECONDS = 0.25
_RENEW_SECONDS = 5.0
_SECOND_LOOK_SECONDS = 0.05
_RETRY_AFTER_SECONDS = 2.0

Observe = Callable[[Limit, Granted], None]
"""Told how a limit stands whenever the record was asked."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """A call that waits for the record. *may_look_again* where another may just end."""

    needs: Sequence[Need]
    taken: "asyncio.Future[list[Part]]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    may_look_again: bool = True


class Leasing:
    """Everything that one runner uses of limits."""

    def __init__(
        self,
        record: ShareRecord,
        *,
        observe: Observe | None = None,
        clock: Monotonic = boot_time,
    ) -> None:
        self._record = record
        self._observe = observe
        self._now = clock
        self._shares = Shares()
        self._clock = DatabaseClock()
        self._clock_version = -1
        self._waiting: list[_Waiting] = []
        self._woken = asyncio.Event()
        self._renewed_at = float("-inf")

    def now(self) -> float:
        """Read the clock that is never set."""
        return self._now()

    def wall(self) -> datetime:
        """Tell the database's time of day."""
        return self._clock.wall(self._now())

    async def read_clock(self) -> None:
        """Ask the record for the time of day; raises `DatabaseUnavailableError`."""
        try:
            await self._exchange((), renews=False)
        except TimeoutError as error:
            raise _unavailable() from error

    def take(self, needs: Sequence[Need]) -> list[Part] | None:
        """Take what is here; None if the record must be asked."""
        taken = self._shares.take(needs, self._now())
        return None if isinstance(taken, Need) else taken

    async def lease(self, needs: Sequence[Need]) -> list[Part]:
        """Take all of *needs*, or nothing.

        Raises `LimitedError` as the record stands, and `DatabaseUnavailableError`.
        """
        if (taken := self.take(needs)) is not None:
            return taken
        waiting = _Waiting(needs)
        self._queue(waiting)
        try:
            return await waiting.taken
        except asyncio.CancelledError:
            with suppress(asyncio.CancelledError, AppError):
                self.give_back(waiting.taken.result())
            raise

    def settle(self, part: Part, units: int) -> None:
        """Let a part come to *units*; what is held is told of at once."""
        is_awake = self._shares.has_any
        self._shares.settle(part, units)
        if part.share.limit.span is Span.HELD or not is_awake:
            self._woken.set()

    def give_back(self, parts: Sequence[Part]) -> None:
        for part in parts:
            self.settle(part, 0)

    async def run(self) -> None:
        """Ask for those who wait, and settle, until cancelled."""
        try:
            while True:
                await self._pause()
                await self._round()
        finally:
            self._fail_all()
            await self._tell_the_last()

    async def _pause(self) -> None:
        """Wait until somebody waits, or there is something to tell."""
        patience = _FLUSH_SECONDS if self._shares.has_any else None
        with suppress(TimeoutError):
            async with timeout(patience):
                await self._woken.wait()
        self._woken.clear()

    async def _round(self) -> None:
        now = self._now()
        self._shares.close_idle(now)
        waiting, self._waiting = self._waiting, []
        waiting = [each for each in waiting if not each.taken.done()]
        waiting = self._served(waiting, {}, now)
        renews = self._shares.holds_any and now - self._renewed_at > _RENEW_SECONDS
        if not (waiting or renews or self._shares.has_unsettled):
            return
        try:
            granted = await self._exchange(waiting, renews=renews)
        except AppError as error:
            self._fail(waiting, error)
        except TimeoutError:
            self._fail(waiting, _unavailable())
        except Exception:
            log.exception("limits.failed")  # and whoever comes next may fare better
            self._fail(waiting, _unavailable())
        except BaseException:
            self._fail(waiting, _unavailable())
            raise
        else:
            for each in self._served(waiting, granted, self._now()):
                self._queue(each)
        self._shares.close_idle(self._now())

    async def _exchange(
        self, waiting: Sequence[_Waiting], *, renews: bool
    ) -> dict[str, Granted]:
        """Ask the record once, and keep what it grants; {} where its clock was set."""
        asked_at = self._now()
        wishes = self._wishes(waiting, asked_at)
        told_of = self._shares.unsettled()
        asked = Asked(
            settled=self._shares.settlements(),
            wanted=list(wishes.values()),
            renews=renews,
            clock=self._clock_version,
            known_time=self._clock.known_time,
            not_after=self._clock.latest(asked_at + _WITHIN_SECONDS),
        )
        try:
            async with timeout(_WITHIN_SECONDS):
                told = await self._record.exchange(asked)
                was_set = await self._was_set(told, asked_at)
        except BaseException:
            self._shares.untold(told_of)
            self._disown(wishes.values(), asked_at)
            raise
        if renews:
            self._renewed_at = asked_at
        if was_set:
            self._disown(wishes.values(), asked_at)
            return {}
        return self._kept(told, wishes, asked_at)

    def _wishes(self, waiting: Sequence[_Waiting], now: float) -> dict[str, Wish]:
        needs = [need for each in waiting for need in each.needs]
        missing = self._shares.lacking(needs, now)
        limits = {need.limit.key: need for need in needs}
        return {
            key: Wish(
                share_id=new_id(),
                limit=limits[key].limit,
                units=units,
                extra=self._shares.wishes_for(
                    limits[key].limit, limits[key].units, now
                ),
            )
            for key, units in sorted(missing.items())
        }

    def _kept(
        self, told: Told, wishes: dict[str, Wish], asked_at: float
    ) -> dict[str, Granted]:
        heard_at = self._now()
        self._clock_version = told.clock
        self._clock.note_wall(told.wall, heard_at=heard_at)
        for granted in told.granted:
            limit = wishes[granted.key].limit
            if granted.units:
                self._shares.add(
                    Share(
                        granted.share_id,
                        limit,
                        granted.units,
                        asked_at,
                        heard_at,
                        is_for_later=granted.units > granted.wished,
                    )
                )
            if self._observe is not None:
                self._observe(limit, granted)
        return {each.key: each for each in told.granted}

    async def _was_set(self, told: Told, asked_at: float) -> bool:
        """Mend the record's clock if it was set, which makes its answer worthless.

        Where another runner has corrected it and we see a step, our own clock stood
        still: then ours is the one to be mended.
        """
        heard_at = self._now()
        step = self._clock.step(told.time, asked_at=asked_at, heard_at=heard_at)
        if step == 0.0:
            return False
        if told.clock != self._clock_version:
            self._clock.begin_anew(told.time, asked_at=asked_at, heard_at=heard_at)
            return False
        log.warning("database_clock.corrected", step_seconds=step)
        await self._record.correct_clock(step, clock=told.clock)
        return True

    def _served(
        self, waiting: Sequence[_Waiting], granted: dict[str, Granted], now: float
    ) -> list[_Waiting]:
        """Give to each in turn, refuse what the record refused; return who still waits.

        A call that found its units taken by a later one asks again.
        """
        still = []
        for each in waiting:
            taken = self._shares.take(each.needs, now)
            if not isinstance(taken, Need):
                self._give(each, taken)
                continue
            standing = granted.get(taken.limit.key)
            if standing is None or standing.is_whole:
                still.append(each)
            elif each.may_look_again and taken.limit.span is Span.HELD:
                self._look_again(each)
            else:
                left = standing.left + self._shares.left(taken.limit.key, now)
                error = refused(taken, standing, left=left, wall=self._clock.wall(now))
                self._fail([each], error)
                self._woken.set()  # others may have what it was granted
        self._shares.close_unwished(granted)
        return still

    def _give(self, waiting: _Waiting, taken: list[Part]) -> None:
        if waiting.taken.done():  # its client has gone away
            self.give_back(taken)
        else:
            waiting.taken.set_result(taken)

    def _look_again(self, waiting: _Waiting) -> None:
        """Ask once more: a call that has just ended may not be settled yet."""
        waiting.may_look_again = False
        loop = asyncio.get_running_loop()
        loop.call_later(_SECOND_LOOK_SECONDS, self._queue, waiting)

    def _queue(self, waiting: _Waiting) -> None:
        self._waiting.append(waiting)
        self._woken.set()

    def _disown(self, wishes: Iterable[Wish], asked_at: float) -> None:
        """Give back what may have been granted and cannot be used."""
        self._shares.untold(
            Share(each.share_id, each.limit, 0, asked_at, asked_at, is_open=False)
            for each in wishes
        )

    def _fail(self, waiting: Sequence[_Waiting], error: AppError) -> None:
        for each in waiting:
            if not each.taken.done():
                each.taken.set_exception(error)

    def _fail_all(self) -> None:
        self._fail(self._waiting, _unavailable())

    async def _tell_the_last(self) -> None:
        """Tell what calls used, and give back what is left: nobody will later."""
        self._shares.close_all()
        if self._shares.has_unsettled:
            with suppress(AppError, TimeoutError):
                await self._exchange((), renews=False)


def _unavailable() -> DatabaseUnavailableError:
    return DatabaseUnavailableError(
        "The record of limits does not answer, so nothing that is limited can begin.",
        retry_after_seconds=_RETRY_AFTER_SECONDS,
    )
