"""What the product says it did, beside what was asked of it and what a provider saw."""

import asyncio
from collections import Counter
from collections.abc import Iterable

from ag2trust.operator import Operator
from ag2trust_sandbox import Sandbox

from .steady import Steady

__all__ = ["agree", "calls_are_counted", "messages_agree"]

_COUNTED_SECONDS = 60.0
_LOOK_AGAIN_SECONDS = 0.1
_REPLY = "This is the sandbox provider, not a model. You said: "


async def agree(operator: Operator, traffic: Steady, *providers: Sandbox) -> None:
    """Insist that each accepted message was answered, none twice, and calls counted.

    *providers* saw all calls there were. A message that was delivered again may have
    been billed again, and says so.
    """
    await messages_agree(operator, traffic)
    await calls_are_counted(operator, *providers)
    calls = await operator.all_of("/api/calls")
    answered = Counter(it["message_id"] for it in calls if it["status"] == "completed")
    for message_id, message in traffic.ended.items():
        assert 1 <= answered[message_id] <= message["attempts"]


async def messages_agree(operator: Operator, traffic: Steady) -> None:
    """Insist that each accepted message was answered, and none came twice."""
    answers = {it: (end["status"], end["content"]) for it, end in traffic.ended.items()}
    assert answers == {
        it: ("completed", _REPLY + text) for it, text in traffic.accepted.items()
    }
    threads = await operator.all_of("/api/threads")
    asked = [each["id"] for each in threads if each["agent_id"] in traffic.agents]
    assert sorted(asked) == sorted(traffic.accepted)


async def calls_are_counted(operator: Operator, *providers: Sandbox) -> None:
    """Wait until there are as many calls as the providers saw; insist on no more."""
    calls = 0
    try:
        async with asyncio.timeout(_COUNTED_SECONDS):
            while calls != _seen(providers):
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)
                calls = len(await operator.all_of("/api/calls"))
    except TimeoutError:
        seen = _seen(providers)
        raise AssertionError(f"{calls} calls counted, {seen} seen") from None


def _seen(providers: Iterable[Sandbox]) -> int:
    return sum(each.request_count for each in providers)
