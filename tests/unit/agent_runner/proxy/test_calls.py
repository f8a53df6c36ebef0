from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent_runner.hosted_agents import MessageInHand
from agent_runner.proxy.admission import Unlimited
from agent_runner.proxy.call_record import (
    Common,
    Own,
    entry_of,
    lasting_part,
    opened,
)
from agent_runner.proxy.calls import OpenCall, interrupted
from agent_runner.proxy.usage import Report
from agent_runner.proxy.written_clock import WrittenClock
from agent_runner.spool.format import (
    MAX_OPENED_PAYLOAD_BYTES,
)
from agent_runner.spool.spool import Spool
from agent_runner.used import Used
from shared.contracts.base import Explanation
from shared.contracts.credentials import ProviderType
from shared.contracts.metrics import CallRecord, CallStatus, Usage, UsageSource
from shared.ids import new_id, new_written_id
from shared.provider_errors.explaining import explain
from shared.provider_errors.rows import ErrorSource, Failure

EXPLANATION = Explanation(
    code="RATE_LIMITED", message="Slow.", cause="Load.", fix="Wait.", retryable=True
)

Opener = Callable[..., OpenCall]


REQUEST_ID = "r" * 128


def of_an_agent(*, model: str = "m", use_case: str | None = None) -> Common:
    return Common(
        org_id=new_id(),
        agent_id=new_id(),
        agent_type_id=new_id(),
        use_case=use_case,
        provider_id=new_id(),
        provider_type=ProviderType.OPENAI,
        model=model,
        endpoint="chat.completions",
        is_streamed=True,
        runner="r" * 63,
    )


def one_call() -> Own:
    return Own(new_written_id(), WrittenClock().read(), new_id())


def written(common: Common, own: Own) -> bytes:
    return opened(lasting_part(entry_of(common, {}), own), REQUEST_ID)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool.open(tmp_path, interrupted=interrupted) as opened:
        yield opened


@pytest.fixture
def open_call(spool: Spool) -> Opener:
    def open_one(
        common: Common | None = None, in_hand: MessageInHand | None = None
    ) -> OpenCall:
        common, own = common or of_an_agent(), one_call()
        spool.open_call(own.call_id.bytes, written(common, own))
        return OpenCall(
            own=own,
            entry=entry_of(common, {}),
            lasting=lasting_part(entry_of(common, {}), own),
            body=b"{}",
            spool=spool,
            in_hand=in_hand,
            request_id=REQUEST_ID,
            admission=Unlimited(),
        )

    return open_one


def settled(spool: Spool) -> CallRecord:
    (only,) = spool.read_settled(0, limit=10, max_bytes=1 << 20)
    return CallRecord.model_validate_json(only.payload)


def test_only_the_first_end_of_a_call_counts(spool: Spool, open_call: Opener) -> None:
    call = open_call()

    call.settle(CallStatus.FAILED, explanation=EXPLANATION)
    call.settle(CallStatus.CANCELLED)

    assert settled(spool).status is CallStatus.FAILED
    assert settled(spool).explanation == EXPLANATION


def test_all_figures_of_usage_are_written(spool: Spool, open_call: Opener) -> None:
    used = Used(1, 2, 3, 4, 5, 6, 7, "flex", "fast", "eu")
    call = open_call()
    call.report = Report(used)

    call.settle(CallStatus.COMPLETED)

    assert settled(spool).usage.model_dump() == used._asdict()


def test_a_call_takes_with_it_what_is_known_of_it(
    spool: Spool, open_call: Opener
) -> None:
    call = open_call()
    call.report = Report(Used(input_tokens=0))
    call.http_status = 200
    call.request_id = "req_of_the_provider"

    call.settle(CallStatus.CANCELLED)

    told = settled(spool)
    assert told.usage == Usage(input_tokens=0)
    assert told.usage_source is UsageSource.REPORTED
    assert told.request_id == "req_of_the_provider"
    assert told.time_to_first_token_ms is None
    assert [each.http_status for each in told.attempts] == [200]


def test_a_call_that_was_left_before_it_was_sent_has_used_nothing(
    spool: Spool, open_call: Opener
) -> None:
    open_call().settle(CallStatus.CANCELLED)

    assert settled(spool).usage == Usage()
    assert settled(spool).usage_source is UsageSource.NONE


def test_a_call_that_was_left_after_it_was_sent_has_used_its_question(
    spool: Spool, open_call: Opener
) -> None:
    call = open_call()
    call.has_been_sent()

    call.settle(CallStatus.CANCELLED)

    assert settled(spool).usage == Usage(input_tokens=1)
    assert settled(spool).usage_source is UsageSource.ESTIMATED


def test_a_call_that_was_left_between_two_attempts_has_used_nothing(
    spool: Spool, open_call: Opener
) -> None:
    call = open_call()
    call.has_been_sent()
    call.http_status = 429
    call.end_attempt(EXPLANATION)

    call.settle(CallStatus.CANCELLED)

    assert settled(spool).usage == Usage()
    assert settled(spool).usage_source is UsageSource.NONE


def test_the_first_token_is_timed_once(spool: Spool, open_call: Opener) -> None:
    call = open_call()
    call.has_token()
    first = call.first_token

    call.has_token()

    assert call.first_token == first
    call.settle(CallStatus.COMPLETED)
    assert settled(spool).time_to_first_token_ms == 0


def test_a_call_without_usage_says_so(spool: Spool, open_call: Opener) -> None:
    open_call().settle(CallStatus.COMPLETED)

    assert settled(spool).usage == Usage()
    assert settled(spool).usage_source is UsageSource.NONE


def test_what_a_dead_process_left_open_becomes_interrupted(tmp_path: Path) -> None:
    common, own = of_an_agent(use_case="support"), one_call()
    with Spool.open(tmp_path, interrupted=interrupted) as spool:
        spool.open_call(own.call_id.bytes, written(common, own))

    with Spool.open(tmp_path, interrupted=interrupted) as spool:
        assert settled(spool) == CallRecord(
            **common._asdict(),
            **own._asdict() | {"call_id": own.call_id.text},
            request_id=REQUEST_ID,
            status=CallStatus.INTERRUPTED,
        )


@pytest.mark.parametrize("character", ["m", "模", "𝕞", '"', "\x01"])
def test_the_longest_names_fit_into_the_spool(
    spool: Spool, open_call: Opener, character: str
) -> None:
    longest = of_an_agent(model=character * 256, use_case=character * 200)
    said = Failure(429, names=("𝕞" * 10_000,), message="𝕞" * 10_000)
    call = open_call(longest)
    call.report = Report(
        Used(
            input_tokens=10**9,
            cached_input_tokens=10**9,
            output_tokens=10**9,
            reasoning_tokens=10**9,
        )
    )
    call.http_status = 500
    call.has_token()

    call.settle(CallStatus.FAILED, explanation=explain(ErrorSource.OPENAI, said))

    assert len(written(longest, call.own)) <= MAX_OPENED_PAYLOAD_BYTES
    assert settled(spool).model == longest.model


def test_of_many_attempts_those_that_fit_into_the_spool_are_told(
    spool: Spool, open_call: Opener
) -> None:
    call = open_call(of_an_agent(model="模" * 256))
    for _ in range(20):
        call.end_attempt(EXPLANATION)
        call.turn_to(call.entry, body=b"{}", admission=Unlimited())

    call.settle(CallStatus.COMPLETED)

    told = settled(spool)
    assert 1 < len(told.attempts) < 20
    assert told.attempts[-1].error_code is None


def test_each_attempt_is_told_and_the_usage_is_the_last_ones(
    spool: Spool, open_call: Opener
) -> None:
    call = open_call(of_an_agent(model="first"))
    call.http_status = 503
    call.report = Report(Used(input_tokens=5))
    call.end_attempt(EXPLANATION)
    turned = entry_of(call.common._replace(model="second"), {})

    call.turn_to(turned, body=b"{}", admission=Unlimited())
    call.http_status = 200
    call.settle(CallStatus.COMPLETED)

    told = settled(spool)
    assert told.model == "second"
    assert [(each.model, each.http_status) for each in told.attempts] == [
        ("first", 503),
        ("second", 200),
    ]
    assert told.usage == Usage()


def test_a_message_counts_the_calls_made_for_it(open_call: Opener) -> None:
    in_hand = MessageInHand(new_id(), new_id())

    for usage in (
        None,
        Used(input_tokens=5, cached_input_tokens=2, output_tokens=3),
        Used(input_tokens=1),
        Used(cache_write_5m_tokens=10, cache_write_1h_tokens=100),
    ):
        call = open_call(in_hand=in_hand)
        call.report = Report(usage)
        call.settle(CallStatus.COMPLETED)

    assert in_hand.usage.calls == 4
    assert in_hand.usage.input_tokens == 118
    assert in_hand.usage.output_tokens == 3
    assert in_hand.usage.total_tokens == 121


def test_a_message_does_not_take_unknown_for_nothing(open_call: Opener) -> None:
    in_hand = MessageInHand(new_id(), new_id())

    open_call(in_hand=in_hand).settle(CallStatus.FAILED)

    assert in_hand.usage.calls == 1
    assert in_hand.usage.total_tokens is None


def test_a_message_takes_zero_for_zero(open_call: Opener) -> None:
    in_hand = MessageInHand(new_id(), new_id())
    call = open_call(in_hand=in_hand)
    call.report = Report(Used(input_tokens=0, output_tokens=0))

    call.settle(CallStatus.COMPLETED)

    assert in_hand.usage.total_tokens == 0
