"""Agents restart a few at a time, once each, and none holds up the others."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.gateway.objects import AGENT, NOON, SOME_ID

from gateway.jobs.restarting import (
    AT_ONCE,
    chosen,
    found_agent,
    is_over,
    judged,
    must_restart,
)
from shared.contracts.agent_runner import Agent, AgentStatus, DesiredState
from shared.contracts.base import Explanation
from shared.contracts.jobs import AgentProgress, JobAgent

REASON = Explanation(
    code="AGENT_EXITED", message="Out.", cause="A bug.", fix="Mend.", retryable=False
)
PROGRESS = st.lists(st.sampled_from(AgentProgress), max_size=12)


def agent_in(progress: AgentProgress) -> JobAgent:
    return JobAgent(
        id=SOME_ID,
        name="ada",
        incarnation=3,
        started_at=NOON,
        progress=progress,
        asked_at=NOON,
    )


def seen(**facts: Any) -> Agent:
    """Make the agent as its runner tells of it: by default, as it was before."""
    running = {
        "desired_state": DesiredState.RUNNING,
        "status": AgentStatus.RUNNING,
        "incarnation": 3,
        "started_at": NOON,
    }
    return AGENT.model_copy(update=running | facts)


ASKED = agent_in(AgentProgress.RESTARTING)
LATER = NOON + timedelta(seconds=5)


@given(PROGRESS)
def test_no_more_than_two_are_between_incarnations(
    progress: list[AgentProgress],
) -> None:
    before = [agent_in(each) for each in progress]

    after = chosen(before, now=NOON)

    begun = sum(each is AgentProgress.RESTARTING for each in progress)
    count = sum(each.progress is AgentProgress.RESTARTING for each in after)
    waiting = sum(each is AgentProgress.WAITING for each in progress)
    assert count == max(begun, min(AT_ONCE, begun + waiting))
    assert [it.id for it in after] == [it.id for it in before]


@given(PROGRESS)
def test_others_are_chosen_until_none_is_left(progress: list[AgentProgress]) -> None:
    agents = [agent_in(each) for each in progress]

    for _ in progress:
        agents = [
            judged(each, None, now=NOON)
            if each.progress is AgentProgress.RESTARTING
            else each
            for each in chosen(agents, now=NOON)
        ]

    assert is_over(agents)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, True),
        ({"incarnation": 4}, False),
        ({"incarnation": 4, "restart_required": True}, True),
        ({"desired_state": DesiredState.STOPPED}, False),
    ],
)
def test_a_restart_is_asked_for_unless_somebody_has(
    facts: dict[str, Any], *, expected: bool
) -> None:
    assert must_restart(ASKED, seen(**facts)) is expected


@pytest.mark.parametrize(
    ("facts", "progress"),
    [
        ({"incarnation": 4}, AgentProgress.RESTARTING),  # the old one's status
        ({"incarnation": 4, "started_at": LATER}, AgentProgress.RESTARTED),
        ({"incarnation": 4, "is_external": True}, AgentProgress.RESTARTED),
        ({"incarnation": 4, "status": AgentStatus.ERROR}, AgentProgress.SKIPPED),
        ({"incarnation": 4, "status": AgentStatus.STARTING}, AgentProgress.RESTARTING),
        ({"desired_state": DesiredState.STOPPED}, AgentProgress.LEFT_ALONE),
    ],
)
def test_an_agent_is_up_when_its_new_incarnation_has_spoken(
    facts: dict[str, Any], progress: AgentProgress
) -> None:
    assert judged(ASKED, seen(**facts), now=LATER).progress is progress


@pytest.mark.parametrize(
    ("status", "patience"),
    [
        (AgentStatus.STARTING, timedelta(minutes=3)),
        (AgentStatus.ACK_ONLY, timedelta(seconds=30)),
    ],
)
def test_an_agent_that_does_not_come_up_is_skipped_with_its_reason(
    status: AgentStatus, patience: timedelta
) -> None:
    found = seen(incarnation=4, status=status, status_reason=REASON)

    in_time = judged(ASKED, found, now=NOON + patience)
    too_late = judged(ASKED, found, now=NOON + patience + timedelta(seconds=1))

    assert in_time.progress is AgentProgress.RESTARTING
    assert (too_late.progress, too_late.explanation) == (AgentProgress.SKIPPED, REASON)


def test_an_agent_that_is_gone_is_left_alone() -> None:
    assert judged(ASKED, None, now=NOON).progress is AgentProgress.LEFT_ALONE


def test_an_agent_is_noted_as_it_is_before() -> None:
    noted = found_agent(seen(incarnation=7))

    assert (noted.incarnation, noted.started_at) == (7, NOON)
    assert noted.progress is AgentProgress.WAITING
