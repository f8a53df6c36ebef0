"""What is worked out of a head is shared by the connections that begin alike."""

from typing import cast
from weakref import ref

import pytest

from agent_runner.callers import Callers
from agent_runner.hosted_agents import HostedAgents
from agent_runner.http.exchange import Exchange, Way
from agent_runner.http.limits import Capacity, Limits
from agent_runner.http.messages import RequestHead
from agent_runner.proxy.direct_calls import DirectCalls
from agent_runner.proxy.forwarding import Forwarding
from agent_runner.tenure import Tenure, boot_time


@pytest.fixture
def calls() -> DirectCalls:
    nobody: Callers = HostedAgents(Tenure(runner="r", epoch=1, asked_at=boot_time()))
    return DirectCalls(nobody, cast(Forwarding, None))


def head_with(key: bytes) -> RequestHead:
    """Make the head of a call as each connection reads it, in objects of its own."""
    fields = [(b"content-type", b"application/json"), (b"authorization", key)]
    return RequestHead(b"POST", b"/openai/v1/chat/completions", fields, "127.0.0.1")


def take(calls: DirectCalls, head: RequestHead) -> None:
    exchange = Exchange(
        head,
        way=cast(Way, None),
        capacity=Capacity(Limits()),
        longest_body_bytes=1,
        content_length=0,
        expects_continue=False,
        is_chunked=True,
        is_last=False,
    )
    calls.take(exchange)


def test_connections_that_begin_alike_share_what_is_worked_out(
    calls: DirectCalls,
) -> None:
    one, another = head_with(b"Bearer a"), head_with(b"Bearer a")

    take(calls, one)
    take(calls, another)

    assert one.worked_out is not None
    assert another.worked_out is one.worked_out


def test_connections_with_other_keys_share_nothing(calls: DirectCalls) -> None:
    one, another = head_with(b"Bearer a"), head_with(b"Bearer b")

    take(calls, one)
    take(calls, another)

    assert another.worked_out is not one.worked_out


def test_what_was_worked_out_is_forgotten_with_the_last_connection(
    calls: DirectCalls,
) -> None:
    one, another = head_with(b"Bearer a"), head_with(b"Bearer a")
    take(calls, one)
    take(calls, another)
    kept = ref(one.worked_out)

    del one
    assert kept() is not None

    del another
    assert kept() is None
