import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runner.proxy.openai.usage import (
    outcome_of_response,
    report_in,
    without_vectors,
)
from agent_runner.proxy.usage import NOT_REPORTED, REFUSED
from agent_runner.used import Used
from shared.provider_errors.rows import Failure


def read(**usage: Any) -> Used | None:
    return report_in({"usage": usage}).usage


def test_cached_tokens_are_taken_out_of_the_prompt() -> None:
    usage = read(
        prompt_tokens=100,
        completion_tokens=50,
        total_tokens=150,
        prompt_tokens_details={"cached_tokens": 80},
        completion_tokens_details={"reasoning_tokens": 30},
    )

    assert usage == Used(
        input_tokens=20,
        cached_input_tokens=80,
        output_tokens=50,
        reasoning_tokens=30,
    )


def test_tokens_written_to_the_cache_are_taken_out_of_the_prompt() -> None:
    usage = read(
        prompt_tokens=100,
        completion_tokens=50,
        prompt_tokens_details={"cached_tokens": 30, "cache_write_tokens": 50},
    )

    assert usage == Used(
        input_tokens=20,
        cached_input_tokens=30,
        cache_write_5m_tokens=50,
        output_tokens=50,
    )


def test_the_service_tier_of_the_answer_is_kept() -> None:
    body = {"usage": {"prompt_tokens": 1}, "service_tier": "priority"}

    assert report_in(body).usage == Used(input_tokens=1, service_tier="priority")


def test_an_embedding_has_no_output() -> None:
    assert read(prompt_tokens=7, total_tokens=7) == Used(input_tokens=7)


def test_zero_is_reported_and_not_absent() -> None:
    usage = read(
        prompt_tokens=0,
        completion_tokens=0,
        prompt_tokens_details={"cached_tokens": 0},
    )

    assert usage == Used(input_tokens=0, cached_input_tokens=0, output_tokens=0)


@pytest.mark.parametrize("details", [None, {}, [], "text", {"cached_tokens": None}])
def test_details_that_are_not_told_are_none(details: object) -> None:
    usage = read(prompt_tokens=3, completion_tokens=4, prompt_tokens_details=details)

    assert usage == Used(input_tokens=3, output_tokens=4)


def test_what_is_known_of_half_a_report_is_kept() -> None:
    assert read(completion_tokens=4) == Used(output_tokens=4)


def test_a_total_that_disagrees_is_not_looked_at() -> None:
    usage = read(prompt_tokens=3, completion_tokens=4, total_tokens=1_000)

    assert usage == Used(input_tokens=3, output_tokens=4)


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"usage": None},
        {"usage": []},
        {"usage": "prompt_tokens: 7"},
        {"usage": {}},
        {"usage": {"total_tokens": 7}},
        {"x_groq": {"usage": {"prompt_tokens": 7}}},
        {"choices": [{"usage": {"prompt_tokens": 7}}]},
    ],
)
def test_without_a_report_at_its_place_there_is_no_usage(body: object) -> None:
    assert report_in(body) == NOT_REPORTED


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": -1, "completion_tokens": 1},
        {"prompt_tokens": 1, "completion_tokens": 2**63},
        {"prompt_tokens": True, "completion_tokens": 1},
        {"prompt_tokens": 1.5, "completion_tokens": 1},
        {"prompt_tokens": "7", "completion_tokens": 1},
        {"prompt_tokens": 7, "prompt_tokens_details": {"cached_tokens": 8}},
        {"completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 8}},
        {"prompt_tokens": 7, "prompt_tokens_details": {"cache_write_tokens": 8}},
        {
            "prompt_tokens": 7,
            "completion_tokens": 3,
            "completion_tokens_details": {"reasoning_tokens": 4},
        },
    ],
)
def test_one_absurd_figure_makes_the_report_void(usage: dict[str, Any]) -> None:
    assert report_in({"usage": usage}) == REFUSED


def response(**usage: Any) -> Used | None:
    return outcome_of_response({"status": "completed", "usage": usage}).report.usage


def test_a_responses_figures_are_disjoint_too() -> None:
    usage = response(
        input_tokens=50_000,
        input_tokens_details={
            "cached_tokens": 30_000,
            "cache_write_tokens": 15_000,
            "cache_write_tokens_details": {
                "ttl_30m_tokens": 10_000,
                "ttl_12h_tokens": 5000,
            },
        },
        output_tokens=1000,
        output_tokens_details={"reasoning_tokens": 600},
        total_tokens=51_000,
    )

    assert usage == Used(
        input_tokens=5000,
        cached_input_tokens=30_000,
        cache_write_5m_tokens=10_000,
        cache_write_1h_tokens=5000,
        output_tokens=1000,
        reasoning_tokens=600,
    )


def test_writes_without_a_split_are_of_the_shorter_kind() -> None:
    usage = response(input_tokens=9, input_tokens_details={"cache_write_tokens": 4})

    assert usage == Used(input_tokens=5, cache_write_5m_tokens=4)


@pytest.mark.parametrize(
    "usage",
    [
        {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 10}},
        {
            "input_tokens": 9,
            "input_tokens_details": {
                "cache_write_tokens": 4,
                "cache_write_tokens_details": {"ttl_12h_tokens": 5},
            },
        },
        {"input_tokens": 9, "output_tokens": -1},
    ],
)
def test_one_absurd_figure_of_a_response_makes_its_report_void(
    usage: dict[str, Any],
) -> None:
    assert outcome_of_response({"usage": usage}).report == REFUSED


@pytest.mark.parametrize("status", ["completed", "incomplete", "queued", None])
def test_a_response_may_have_no_usage(status: str | None) -> None:
    outcome = outcome_of_response({"status": status, "usage": None})

    assert outcome.report == NOT_REPORTED
    assert outcome.failure is None


def test_hosted_searches_are_counted_by_their_calls() -> None:
    outcome = outcome_of_response(
        {
            "usage": {"input_tokens": 1, "output_tokens": 2},
            "service_tier": "flex",
            "output": [
                {"type": "web_search_call"},
                {"type": "message", "content": [{"type": "web_search_call"}]},
                {"type": "web_search_call"},
                None,
            ],
        }
    )

    assert outcome.report.usage == Used(
        input_tokens=1, output_tokens=2, web_searches=2, service_tier="flex"
    )


def test_a_response_that_failed_says_why() -> None:
    outcome = outcome_of_response(
        {"status": "failed", "error": {"code": "server_error", "message": "no"}}
    )

    assert outcome.failure == Failure(200, ("server_error",), "no")


@pytest.mark.parametrize(
    "body",
    [
        b'{"data":[{"embedding":[0.1,-2e-5],"index":0}],"usage":{"prompt_tokens":7}}',
        b'{"data":[{"embedding" : [ 0.1 , 2 ]}],"usage":{"prompt_tokens":7}}',
        b'{"data":[{"embedding":"AACAPw=="}],"usage":{"prompt_tokens":7}}',
    ],
)
def test_vectors_are_not_read_for_the_usage_behind_them(body: bytes) -> None:
    bare = json.loads(without_vectors(body))

    assert report_in(bare).usage == Used(input_tokens=7)
    assert bare["data"][0]["embedding"] in ([], "AACAPw==")


@given(text=st.text())
def test_what_only_looks_like_a_vector_stays(text: str) -> None:
    body = {"model": f'{text}"embedding":[1]', "usage": {"prompt_tokens": 7}}

    assert json.loads(without_vectors(json.dumps(body).encode())) == body
