"""What the product says it did, beside what was asked of it and what a provider saw."""

from collections import Counter
from collections.abc import Collection
from typing import Any

from ag2trust.operator import Operator
from ag2trust.waiting import until
from ag2trust_sandbox import Sandbox

from .steady import Steady

__all__ = ["agree", "calls_are_counted"]

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

    async def seen_and_counted() -> tuple[int, list[dict[str, Any]]]:
        return _seen(providers), await operator.all_of("/api/calls")

    _, calls = await until(
        "as many calls as were seen, and each message's",
        seen_and_counted,
        lambda both: len(both[1]) >= both[0] and _has_each(_whole(both[1]), of),
    )
    assert len({each["call_id"] for each in calls}) == len(calls)
    assert len(_whole(calls)) <= _seen(providers)
    return _whole(calls)


def _seen(providers: Collection[Sandbox]) -> int:
    return sum(each.request_count for each in providers)


def _whole(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for each in calls if each["status"] == "completed"]


def _has_each(calls: list[dict[str, Any]], messages: Collection[str]) -> bool:
    return set(messages) <= {each["message_id"] for each in calls}
