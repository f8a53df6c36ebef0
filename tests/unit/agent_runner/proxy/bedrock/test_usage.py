from typing import Any

import pytest

from agent_runner.proxy.bedrock.usage import (
    report_of_conversation,
    report_of_invocation,
    report_of_metrics,
)
from agent_runner.proxy.usage import NOT_REPORTED, REFUSED, Report
from agent_runner.used import Used


def conversation(**usage: Any) -> Report:
    return report_of_conversation({"usage": usage})


def invocation(body: dict[str, Any] | None = None, **fields: str) -> Report:
    told = [
        (f"x-amzn-bedrock-{name.replace('_', '-')}".encode(), value.encode())
        for name, value in fields.items()
    ]
    return report_of_invocation(told, body or {})


def test_every_figure_of_a_conversation_is_in_its_own_place() -> None:
    report = report_of_conversation(
        {
            "usage": {
                "inputTokens": 10,
                "outputTokens": 50,
                "totalTokens": 1_000,
                "cacheReadInputTokens": 80,
                "cacheWriteInputTokens": 100,
                "cacheDetails": [
                    {"ttl": "5m", "inputTokens": 40},
                    {"ttl": "1h", "inputTokens": 60},
                ],
            },
            "serviceTier": {"type": "flex"},
        }
    )

    assert report.usage == Used(
        input_tokens=10,
        cached_input_tokens=80,
        cache_write_5m_tokens=40,
        cache_write_1h_tokens=60,
        output_tokens=50,
        service_tier="flex",
    )


def test_details_that_tell_less_than_the_sum_leave_the_rest_to_five_minutes() -> None:
    report = conversation(
        inputTokens=1,
        cacheWriteInputTokens=9,
        cacheDetails=[{"ttl": "1h", "inputTokens": 4}],
    )

    assert report.usage == Used(
        input_tokens=1, cache_write_5m_tokens=5, cache_write_1h_tokens=4
    )


@pytest.mark.parametrize("details", [None, [], "text", [None, 7]])
def test_writes_without_details_are_for_five_minutes(details: object) -> None:
    report = conversation(inputTokens=1, cacheWriteInputTokens=9, cacheDetails=details)

    assert report.usage == Used(input_tokens=1, cache_write_5m_tokens=9)


def test_zero_is_reported_and_not_absent() -> None:
    assert conversation(inputTokens=0, outputTokens=0).usage == Used(
        input_tokens=0, output_tokens=0
    )


@pytest.mark.parametrize(
    "usage",
    [
        {"inputTokens": -1},
        {"inputTokens": 1, "outputTokens": 2**63},
        {"inputTokens": "7"},
        {"inputTokens": 1, "cacheReadInputTokens": 1.5},
        {
            "inputTokens": 1,
            "cacheWriteInputTokens": 3,
            "cacheDetails": [{"ttl": "1h", "inputTokens": 4}],
        },
        {
            "inputTokens": 1,
            "cacheWriteInputTokens": 3,
            "cacheDetails": [{"ttl": "1h", "inputTokens": -4}],
        },
    ],
)
def test_one_absurd_figure_makes_the_report_void(usage: dict[str, Any]) -> None:
    assert conversation(**usage) == REFUSED


@pytest.mark.parametrize(
    "body",
    [{}, {"usage": None}, {"usage": {"totalTokens": 7}}, {"output": {"usage": 1}}],
)
def test_without_a_report_at_its_place_there_is_no_usage(body: dict[str, Any]) -> None:
    assert report_of_conversation(body) == NOT_REPORTED


def test_an_invocations_usage_is_in_its_header_fields() -> None:
    report = invocation(
        {"text": "usage", "finish_reason": "COMPLETE"},
        input_token_count="10",
        output_token_count="0",
        cache_read_input_token_count="80",
        cache_write_input_token_count="5",
    )

    assert report.usage == Used(
        input_tokens=10,
        cached_input_tokens=80,
        cache_write_5m_tokens=5,
        output_tokens=0,
    )


@pytest.mark.parametrize("value", ["-1", "1.5", "x", "\u0667", str(2**63)])
def test_a_header_field_that_is_no_count_makes_the_report_void(value: str) -> None:
    fields = [(b"x-amzn-bedrock-input-token-count", value.encode())]

    assert report_of_invocation(fields, {}) == REFUSED


def test_claude_tells_more_than_the_header_fields() -> None:
    report = invocation(
        {
            "usage": {
                "input_tokens": 10,
                "output_tokens": 5,
                "cache_creation_input_tokens": 9,
                "cache_creation": {"ephemeral_1h_input_tokens": 9},
            }
        },
        input_token_count="10",
        output_token_count="5",
        cache_write_input_token_count="9",
    )

    assert report.usage == Used(
        input_tokens=10,
        cache_write_5m_tokens=0,
        cache_write_1h_tokens=9,
        output_tokens=5,
    )


@pytest.mark.parametrize(
    ("body", "usage"),
    [
        (
            {"generation": "x", "prompt_token_count": 7, "generation_token_count": 3},
            Used(input_tokens=7, output_tokens=3),
        ),
        (
            {
                "inputTextTokenCount": 7,
                "results": [{"tokenCount": 1}, {"tokenCount": 2}],
            },
            Used(input_tokens=7, output_tokens=3),
        ),
        (
            {"embedding": [0.1], "inputTextTokenCount": 7},
            Used(input_tokens=7),
        ),
        (
            {
                "usage": {
                    "inputTokens": 7,
                    "outputTokens": 3,
                    "cacheReadInputTokenCount": 2,
                }
            },
            Used(input_tokens=7, cached_input_tokens=2, output_tokens=3),
        ),
        (
            {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}},
            Used(input_tokens=7, output_tokens=3),
        ),
    ],
)
def test_each_family_has_its_usage_where_it_documents_it(
    body: dict[str, Any], usage: Used
) -> None:
    assert invocation(body).usage == usage


@pytest.mark.parametrize(
    "body",
    [
        {"prompt_token_count": -1},
        {"inputTextTokenCount": 7, "results": [{"tokenCount": "3"}]},
        {"inputTextTokenCount": True},
    ],
)
def test_an_absurd_figure_of_a_family_makes_its_report_void(
    body: dict[str, Any],
) -> None:
    assert invocation(body) == REFUSED


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"outputs": [{"text": '{"prompt_token_count": 7}'}]},
        {"results": [None], "results_": 1},
        {"content": [{"usage": {"input_tokens": 7}}]},
    ],
)
def test_what_a_model_writes_is_not_counted(body: dict[str, Any]) -> None:
    assert invocation(body) == NOT_REPORTED


def test_the_metrics_of_a_stream_are_read() -> None:
    metrics = {"inputTokenCount": 7, "outputTokenCount": 0, "invocationLatency": 12}

    assert report_of_metrics({"amazon-bedrock-invocationMetrics": metrics}).usage == (
        Used(input_tokens=7, output_tokens=0)
    )
