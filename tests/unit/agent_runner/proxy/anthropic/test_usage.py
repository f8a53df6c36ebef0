from typing import Any

import pytest

from agent_runner.proxy.anthropic.usage import report_in
from agent_runner.proxy.usage import NOT_REPORTED, REFUSED
from agent_runner.used import Used


def read(**usage: Any) -> Used | None:
    return report_in({"usage": usage}).usage


def test_every_figure_is_in_its_own_place() -> None:
    usage = read(
        input_tokens=10,
        output_tokens=50,
        cache_creation_input_tokens=100,
        cache_read_input_tokens=80,
        cache_creation={
            "ephemeral_5m_input_tokens": 40,
            "ephemeral_1h_input_tokens": 60,
        },
        output_tokens_details={"thinking_tokens": 30},
        server_tool_use={"web_search_requests": 2, "web_fetch_requests": 1},
        service_tier="priority",
        speed="fast",
        inference_geo="us",
    )

    assert usage == Used(
        input_tokens=10,
        cached_input_tokens=80,
        cache_write_5m_tokens=40,
        cache_write_1h_tokens=60,
        output_tokens=50,
        reasoning_tokens=30,
        web_searches=2,
        service_tier="priority",
        speed="fast",
        inference_geo="us",
    )


@pytest.mark.parametrize("split", [None, {}, [], "text"])
def test_writes_without_a_split_are_for_five_minutes(split: object) -> None:
    usage = read(input_tokens=1, cache_creation_input_tokens=9, cache_creation=split)

    assert usage == Used(input_tokens=1, cache_write_5m_tokens=9)


def test_writes_beyond_the_split_are_for_five_minutes() -> None:
    usage = read(
        input_tokens=1,
        cache_creation_input_tokens=9,
        cache_creation={"ephemeral_1h_input_tokens": 4},
    )

    assert usage == Used(
        input_tokens=1, cache_write_5m_tokens=5, cache_write_1h_tokens=4
    )


def test_a_split_without_a_sum_is_taken_as_it_is() -> None:
    usage = read(input_tokens=1, cache_creation={"ephemeral_1h_input_tokens": 4})

    assert usage == Used(input_tokens=1, cache_write_1h_tokens=4)


def test_zero_is_reported_and_not_absent() -> None:
    assert read(input_tokens=0, output_tokens=0) == Used(
        input_tokens=0, output_tokens=0
    )


def test_what_is_compacted_is_added_for_no_sum_has_it() -> None:
    usage = read(
        input_tokens=10,
        output_tokens=5,
        iterations=[
            {
                "type": "compaction",
                "input_tokens": 1000,
                "output_tokens": 200,
                "cache_read_input_tokens": 7,
                "cache_creation_input_tokens": 0,
            },
            {"type": "message", "input_tokens": 10, "output_tokens": 5},
        ],
        service_tier="standard",
    )

    assert usage == Used(
        input_tokens=1010,
        cached_input_tokens=7,
        cache_write_5m_tokens=0,
        output_tokens=205,
        service_tier="standard",
    )


@pytest.mark.parametrize("term", ["a" * 41, "two words", "", 7, ["standard"]])
def test_a_term_that_is_no_word_is_left_out(term: object) -> None:
    assert read(input_tokens=1, service_tier=term) == Used(input_tokens=1)


@pytest.mark.parametrize(
    "message",
    [
        None,
        [],
        {},
        {"usage": None},
        {"usage": "input_tokens: 7"},
        {"usage": {}},
        {"usage": {"service_tier": "standard"}},
        {"content": [{"usage": {"input_tokens": 7}}]},
    ],
)
def test_without_a_report_at_its_place_there_is_no_usage(message: object) -> None:
    assert report_in(message) == NOT_REPORTED


@pytest.mark.parametrize(
    "usage",
    [
        {"input_tokens": -1},
        {"input_tokens": 1, "output_tokens": 2**63},
        {"input_tokens": True},
        {"input_tokens": 1.0},
        {"input_tokens": "7"},
        {"input_tokens": 1, "cache_read_input_tokens": -5},
        {
            "cache_creation_input_tokens": 9,
            "cache_creation": {"ephemeral_1h_input_tokens": 10},
        },
        {"output_tokens": 1, "output_tokens_details": {"thinking_tokens": 2}},
        {"input_tokens": 1, "server_tool_use": {"web_search_requests": -1}},
        {
            "input_tokens": 1,
            "iterations": [{"type": "compaction", "input_tokens": -1}],
        },
        {"input_tokens": 1, "iterations": [{"type": "compaction"}] * 1_001},
    ],
)
def test_one_absurd_figure_makes_the_report_void(usage: dict[str, Any]) -> None:
    assert report_in({"usage": usage}) == REFUSED
