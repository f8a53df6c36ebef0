"""Stopped impatiently in the middle of a model call, and started again."""

import asyncio
import json
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any

import pytest
import pytest_asyncio

from ag2trust.launched import Place
from ag2trust.waiting import until
from ag2trust_sandbox import Sandbox, Step

from .containers import engine
from .processes import Process, descendants_of
from .recovering import calls_are, everything
from .whole import Whole, new_place, running

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

LIMIT_SECONDS = 60
LAST_LINES = 30
CHILDREN = 6
ENDLESS = Step(content=("on ",) * 1000, pace_seconds=0.1)


@dataclass(frozen=True, slots=True)
class Killed:
    """What outlived a launcher that was killed."""

    processes: list[str]
    logs: str
    in_docker: list[Any]
    seconds: float


@dataclass(frozen=True, slots=True)
class Story:
    children: list[Process]
    left_in_docker: list[Any]
    made_before: dict[str, Any]
    made_after: dict[str, Any]
    tokens_before: int
    figures_after: dict[str, Any]
    ready_seconds: float
    asked_again: list[str]
    answer: dict[str, Any]
    calls: list[dict[str, Any]]
    killed: Killed


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def story(runtime: str, sandbox: Sandbox) -> Story:
    sandbox.forget_requests()
    with new_place() as place:
        async with running(place, runtime) as first:
            agent, in_hand = await _in_the_middle(first, sandbox)
            made_before = await everything(first.operator)
            figures = await first.operator.ask("GET", f"{agent}/stats")
            children = descendants_of(first.launcher.pid)
            await _stop_impatiently(first)
            left = await _in_docker(first.installation) if runtime == "docker" else []
        began = monotonic()
        async with running(place, runtime) as second:
            ready_seconds = monotonic() - began
            made_after = await everything(second.operator)
            answer = await second.operator.until(
                f"/api/messages/{in_hand}", status="completed"
            )
            figures_after = await second.operator.until(
                f"{agent}/stats", messages_processed=2, calls=3
            )
            calls = await calls_are(second.operator, sandbox)
            killed = await _killed(second, runtime)
        return Story(
            children=children,
            left_in_docker=left,
            made_before=made_before,
            made_after=made_after,
            tokens_before=figures.body["total_tokens"],
            figures_after=figures_after,
            ready_seconds=ready_seconds,
            asked_again=_said_in(sandbox),
            answer=answer,
            calls=calls,
            killed=killed,
        )


async def test_a_stop_leaves_no_process_and_no_container(story: Story) -> None:
    assert len(story.children) >= CHILDREN
    assert not [child for child in story.children if child.is_alive]
    assert story.left_in_docker == []


async def test_a_killed_launcher_leaves_no_process_and_no_container(
    story: Story, runtime: str, record_property: Callable[[str, object], None]
) -> None:
    killed = story.killed
    record_property(f"ended after its launcher, {runtime}", f"{killed.seconds:.1f} s")

    assert killed.processes == [], killed.logs
    assert killed.in_docker == []


async def test_a_second_start_finds_what_was_made(
    story: Story, runtime: str, record_property: Callable[[str, object], None]
) -> None:
    record_property(
        f"second start with an agent, {runtime}", f"{story.ready_seconds:.1f} s"
    )

    assert story.made_after == story.made_before


COUNTED = ("input_tokens", "cached_input_tokens", "output_tokens")


async def test_figures_go_on_from_where_they_were(story: Story) -> None:
    used = story.answer["usage"]["total_tokens"]
    (cut,) = (call for call in story.calls if call["status"] == "cancelled")
    lost = sum(cut["usage"][each] or 0 for each in COUNTED)

    assert story.figures_after["total_tokens"] == story.tokens_before + used + lost
    assert story.tokens_before > 0


async def test_a_message_in_hand_is_answered_later_with_its_threads_history(
    story: Story,
) -> None:
    assert story.answer["content"].endswith("You said: Go on.")
    first, reply, again = story.asked_again
    assert (first, again) == ("I am Kim.", "Go on.")
    assert reply.endswith("You said: I am Kim.")


async def test_the_call_that_the_stop_cut_is_counted_as_cancelled(story: Story) -> None:
    statuses = [call["status"] for call in story.calls]

    assert statuses == ["completed", "cancelled", "completed"]


async def _in_the_middle(whole: Whole, sandbox: Sandbox) -> tuple[str, str]:
    """Return an agent, and the message that it is answering, its thread's second."""
    ids = await whole.operator.running_agent(sandbox.base_url, "sk-any")
    agent = f"/api/agents/{ids['agent_id']}"
    said = await whole.operator.made(f"{agent}/messages", {"content": "I am Kim."})
    await whole.operator.until(f"{agent}/stats", messages_processed=1, calls=1)
    sandbox.play(ENDLESS)
    body = {"content": "Go on.", "thread_id": said["thread_id"], "wait": False}
    in_hand = await whole.operator.made(f"{agent}/messages", body)
    async with asyncio.timeout(LIMIT_SECONDS):
        await sandbox.wait_for_requests(2)
    return agent, in_hand["message_id"]


async def _killed(whole: Whole, runtime: str) -> Killed:
    children = descendants_of(whole.launcher.pid)
    whole.launcher.send(signal.SIGKILL)
    began = monotonic()
    left = await _left_of(children)
    return Killed(
        processes=left,
        seconds=monotonic() - began,
        logs=_said_at_the_end(whole.place) if left else "",
        in_docker=await _in_docker(whole.installation) if runtime == "docker" else [],
    )


async def _left_of(processes: list[Process]) -> list[str]:
    """Return the commands of those that have not ended in time."""

    def left() -> list[str]:
        return [process.command for process in processes if process.is_alive]

    with suppress(AssertionError):
        await until("the end of all", left, lambda commands: not commands)
    return left()


def _said_at_the_end(place: Place) -> str:
    """Return the last lines of every log of *place*."""
    logs = sorted((place.home / "logs").glob("*.log"))
    return "\n\n".join(
        "\n".join(
            [log.name, *log.read_text(errors="replace").splitlines()[-LAST_LINES:]]
        )
        for log in logs
    )


async def _stop_impatiently(whole: Whole) -> None:
    """Ctrl-C, and again, and SIGTERM to the whole group."""
    os.killpg(whole.launcher.pid, signal.SIGINT)
    await whole.launcher.says("Stopping")
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
        os.killpg(whole.launcher.pid, signum)
    assert await whole.launcher.ended() == 0


async def _in_docker(installation: str) -> list[Any]:
    async with engine(installation) as docker:
        return [*await docker.containers(), *await docker.networks()]


def _said_in(sandbox: Sandbox) -> list[str]:
    """Return the turns of the last model call, but the system's."""
    messages = json.loads(sandbox.requests[-1].body)["messages"]
    return [message["content"] for message in messages[1:]]
