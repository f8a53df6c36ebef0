import asyncio
from datetime import timedelta

import pytest

from .conftest import Working
from .fakes import KEY, TOKEN, FakeModelServer, FakeRunner, Refusal


async def test_a_message_is_answered_by_the_model(
    runner: FakeRunner, models: FakeModelServer, working: Working
) -> None:
    models.say("He", "llo")
    runner.give("Hi")

    async with working():
        outcomes = await runner.until_replied()

    assert outcomes == [{"status": "completed", "content": "Hello"}]
    assert runner.replies[0].pieces == ["He", "llo"]


async def test_the_model_gets_the_prompt_the_history_and_the_message(
    runner: FakeRunner, models: FakeModelServer, working: Working
) -> None:
    models.say("42")
    earlier = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
    ]
    runner.give("How much?", history=earlier)

    async with working():
        await runner.until_replied()

    [request] = models.requests
    assert request == {
        "model": "gpt-test",
        "stream": True,
        "messages": [
            {"role": "system", "content": "You are brief."},
            *earlier,
            {"role": "user", "content": "How much?"},
        ],
    }
    assert models.keys == [f"Bearer {KEY}"]


async def test_temperature_and_output_limit_are_sent_when_they_are_set(
    runner: FakeRunner, models: FakeModelServer, working: Working
) -> None:
    runner.configuration |= {"temperature": 0, "max_tokens": 100, "system_prompt": ""}
    models.say("42")
    runner.give("How much?")

    async with working():
        await runner.until_replied()

    [request] = models.requests
    assert request["temperature"] == 0
    assert request["max_completion_tokens"] == 100
    assert [each["role"] for each in request["messages"]] == ["user"]


async def test_a_piece_is_told_before_the_model_makes_the_next(
    runner: FakeRunner, models: FakeModelServer, working: Working
) -> None:
    told = asyncio.Event()
    models.say("one", told, "two")
    runner.give("Count")

    async with working():
        await runner.until(lambda: bool(runner.replies and runner.replies[0].pieces))
        told.set()
        await runner.until_replied()

    assert runner.replies[0].pieces == ["one", "two"]


async def test_messages_are_answered_one_after_another(
    runner: FakeRunner, models: FakeModelServer, working: Working
) -> None:
    models.say("first")
    models.say("second")
    given = [runner.give("1"), runner.give("2")]

    async with working():
        outcomes = await runner.until_replied(2)

    assert [each["content"] for each in outcomes] == ["first", "second"]
    assert [each.message_id for each in runner.replies] == given


@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [
        (400, "INVALID_REQUEST", "The provider found the request invalid (HTTP 400)."),
        (401, "INVALID_API_KEY", "The credentials were not accepted (HTTP 401)."),
        (403, "PERMISSION_DENIED", "This model call is not permitted (HTTP 403)."),
        (
            404,
            "MODEL_NOT_AVAILABLE",
            "The provider does not have this model (HTTP 404).",
        ),
        (409, "PROVIDER_ERROR", "The model call failed (HTTP 409)."),
        (422, "INVALID_REQUEST", "The provider found the request invalid (HTTP 422)."),
        (429, "RATE_LIMITED", "No more model calls are allowed for now (HTTP 429)."),
        (500, "PROVIDER_ERROR", "The provider failed (HTTP 500)."),
    ],
)
async def test_a_failed_call_fails_its_message_and_says_why(
    runner: FakeRunner,
    models: FakeModelServer,
    working: Working,
    *,
    status: int,
    code: str,
    sentence: str,
) -> None:
    models.fail(status, message="no")
    models.say("better")
    runner.give("Hi")
    runner.give("And now?")

    async with working():
        failed, next_one = await runner.until_replied(2)

    assert failed["status"] == "failed"
    assert failed["error"] == {"code": code, "message": sentence}
    assert next_one == {"status": "completed", "content": "better"}


async def test_a_plain_error_code_of_the_provider_is_passed_on(
    runner: FakeRunner, models: FakeModelServer, working: Working
) -> None:
    models.fail(429, message="no", code="insufficient_quota")
    runner.give("Hi")

    async with working():
        [failed] = await runner.until_replied()

    assert failed["error"]["message"].endswith("(HTTP 429, insufficient_quota).")


async def test_a_failure_tells_neither_key_nor_address_nor_token(
    runner: FakeRunner,
    models: FakeModelServer,
    working: Working,
    model_url: str,
) -> None:
    models.fail(401, message=f"Bad key {KEY} at {model_url}", code=KEY, type=TOKEN)
    runner.give("Hi")

    async with working():
        [failed] = await runner.until_replied()

    assert failed["error"] == {
        "code": "INVALID_API_KEY",
        "message": "The credentials were not accepted (HTTP 401).",
    }


@pytest.mark.parametrize(
    ("steps", "finish", "code", "sentence"),
    [
        (["He", None], None, "UPSTREAM_UNREACHABLE", "The connection to the model"),
        (["He"], None, "PROVIDER_ERROR", "The model's answer broke off."),
        (
            ["He"],
            "content_filter",
            "CONTENT_FILTERED",
            "The provider's content filter",
        ),
        (["He", b"data: {\n\n"], "stop", "PROVIDER_ERROR", "The model's answer was"),
        ([b'data: {"choices": null}\n\n'], "stop", "PROVIDER_ERROR", "The model's"),
        (
            [b'data: {"error": {"code": "server_error"}}\n\n'],
            "stop",
            "PROVIDER_ERROR",
            "The model call failed (server_error).",
        ),
    ],
)
async def test_an_answer_that_goes_wrong_midway_fails_its_message(
    runner: FakeRunner,
    models: FakeModelServer,
    working: Working,
    *,
    steps: list[str | bytes | None],
    finish: str | None,
    code: str,
    sentence: str,
) -> None:
    models.say(*steps, finish=finish)
    runner.give("Hi")

    async with working():
        [failed] = await runner.until_replied()

    assert failed["content"] == ""
    assert failed["error"]["code"] == code
    assert failed["error"]["message"].startswith(sentence)


async def test_text_that_utf8_cannot_hold_is_replaced(
    runner: FakeRunner, models: FakeModelServer, working: Working
) -> None:
    models.say("half \ud83d")
    runner.give("Hi")

    async with working():
        [completed] = await runner.until_replied()

    assert completed["content"] == "half ?"


async def test_a_reply_that_broke_off_is_told_again_whole(
    runner: FakeRunner, models: FakeModelServer, working: Working
) -> None:
    runner.breaks_streams = True
    broken = asyncio.Event()
    models.say("one ", broken, "two ", "three")
    runner.give("Count")

    async with working():
        await runner.until(lambda: bool(runner.replies and runner.replies[0].pieces))
        broken.set()
        [completed] = await runner.until_replied()

    assert completed == {"status": "completed", "content": "one two three"}
    assert [each.content_type for each in runner.replies] == [
        "application/x-ndjson",
        "application/json",
    ]
    assert len(models.requests) == 1


async def test_a_reply_the_runner_has_no_room_for_is_told_again(
    runner: FakeRunner, models: FakeModelServer, working: Working
) -> None:
    runner.refuse("/reply", Refusal(503), Refusal(None), Refusal(503))
    models.say("Hello")
    runner.give("Hi")

    async with working():
        [completed] = await runner.until_replied()

    assert completed == {"status": "completed", "content": "Hello"}
    assert len(models.requests) == 1


async def test_a_message_that_is_gone_is_left_and_the_next_one_answered(
    runner: FakeRunner, models: FakeModelServer, working: Working
) -> None:
    runner.refuse("/reply", Refusal(409))
    taken_back = asyncio.Event()
    models.say(taken_back, "late")
    models.say("in time")
    runner.give("1")
    runner.give("2")

    async with working():
        await runner.until(lambda: runner.polls == 1)
        await runner.take_back()
        taken_back.set()
        [completed] = await runner.until_replied()

    assert completed["content"] == "in time"


async def test_a_reply_the_runner_will_not_have_fails_its_message(
    runner: FakeRunner, models: FakeModelServer, working: Working
) -> None:
    runner.refuse("/reply", Refusal(413))
    models.say("a long story")
    runner.give("Tell me")

    async with working():
        [failed] = await runner.until_replied()

    assert failed["error"] == {
        "code": "REPLY_REFUSED",
        "message": "The reply was not accepted (HTTP 413).",
    }


async def test_heartbeats_are_sent_while_the_model_thinks(
    runner: FakeRunner, models: FakeModelServer, working: Working
) -> None:
    thought = asyncio.Event()
    models.say(thought, "42")
    runner.give("Think")
    runner.refuse("/heartbeat", Refusal(None), Refusal(500))

    async with working(heartbeat_every=timedelta(milliseconds=5)):
        await runner.until(lambda: runner.heartbeats == 2)
        thought.set()
        [completed] = await runner.until_replied()

    assert completed["content"] == "42"


async def test_a_message_that_nobody_wants_is_left_though_the_model_is_silent(
    runner: FakeRunner, models: FakeModelServer, working: Working
) -> None:
    models.say(asyncio.Event(), "never")
    models.say("in time")
    runner.give("1")
    runner.give("2")

    async with working(heartbeat_every=timedelta(milliseconds=5)):
        await runner.until(lambda: runner.heartbeats == 2)
        await runner.take_back()
        [completed] = await runner.until_replied()

    assert completed["content"] == "in time"
