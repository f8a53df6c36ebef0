"""What the product says it did, beside what was asked of it and what a provider saw."""

import asyncio
from collections import Counter
from collections.abc import Collection
from typing import Any

from ag2trust.operator import Operator
from ag2trust_sandbox import Sandbox

from .steady import Steady

__all__ = ["agree", "calls_are_counted"]

_COUNTED_SECONDS = 60.0
_LOOK_AGAIN_SECONDS = 0.1
_REPLY = "This is the sandbox provider, not a model. You said: "


async def agree(operator: Operator, traffic: Steady, *providers: Sandbox) -> None:
    """Insist that each accepted message was answered, none twice, and calls counted.

    *providers* saw all calls there were. A message that was delivered again may have
    been billed again, and says so.
    """
    answers = {it: (end["status"], end["content"]) for it, end in traffic.ended.items()}
    assert answers == {
        it: ("completed", _REPLY + text) for it, text in traffic.accepted.items()
    }
    threads = await operator.all_of("/api/threads")
    asked = [each["id"] for each in threads if each["agent_id"] in traffic.agents]
    assert sorted(asked) == sorted(traffic.accepted)
    whole = await calls_are_counted(operator, *providers, of=traffic.ended)
    times = Counter(each["message_id"] for each in whole)
    assert all(times[it] <= end["attempts"] for it, end in traffic.ended.items())


async def calls_are_counted(
    operator: Operator, *providers: Sandbox, of: Collection[str] = ()
) -> list[dict[str, Any]]:
    """Wait until what *providers* saw is counted, and a whole call *of* each message.

    Return the whole ones, of which there are no more than were seen. A call that broke
    with its runner, or on a cut cable, may never have come to a provider.
    """
    calls: list[dict[str, Any]] = []
    whole: list[dict[str, Any]] = []
    try:
        async with asyncio.timeout(_COUNTED_SECONDS):
            while len(calls) < _seen(providers) or not _has_each(whole, of):
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)
                calls = await operator.all_of("/api/calls")
                whole = [each for each in calls if each["status"] == "completed"]
    except TimeoutError:
        seen = _seen(providers)
        raise AssertionError(
            f"{len(calls)} calls counted, {len(whole)} of them whole, {seen} seen"
        ) from None
    assert len({each["call_id"] for each in calls}) == len(calls)
    assert len(whole) <= _seen(providers)
    return whole


def _seen(providers: Collection[Sandbox]) -> int:
    return sum(each.request_count for each in providers)


def _has_each(calls: list[dict[str, Any]], messages: Collection[str]) -> bool:
    return set(messages) <= {each["message_id"] for each in calls}
