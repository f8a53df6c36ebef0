"""How a message is answered with the help of tools."""

from collections.abc import AsyncGenerator, Sequence
from uuid import uuid4

import pytest

from ag2trust_agent.conversation import (
    Answered,
    Asked,
    Conversation,
    Returned,
    ToolCall,
    ToolResult,
)
from ag2trust_agent.errors import (
    MessageGoneError,
    ModelCallError,
    TokenRefusedError,
)
from ag2trust_agent.protocol import Message, Turn, connect
from ag2trust_agent.tool_rounds import MOST_ROUNDS, answer

from .fakes import TOKEN, FakeRunner, Refusal

CALL = ToolCall("call_1", "weather", '{"city": "Bern"}')


class ScriptedModel:
    """Says one thing after another, and keeps what it was told each time."""

    def __init__(self, *says: Sequence[str | ToolCall]) -> None:
        self._says = list(says)
        self.heard: list[Conversation] = []

    async def speak(
        self, conversation: Conversation
    ) -> AsyncGenerator[str | ToolCall, None]:
        self.heard.append(tuple(conversation))
        for each in self._says.pop(0):
            yield each


def message(runner: FakeRunner, *history: tuple[str, str]) -> Message:
    message_id = runner.give("What is the weather?")
    turns = [
        turn
        for asked, answered in history
        for turn in (
            Turn(role="user", content=asked),
            Turn(role="assistant", content=answered),
        )
    ]
    return Message.model_validate(
        {
            "message_id": message_id,
            "thread_id": uuid4(),
            "content": "What is the weather?",
            "attempt": 1,
            "history": turns,
        }
    )


async def answered(model: ScriptedModel, runner_url: str, asked: Message) -> list[str]:
    async with connect(runner_url, TOKEN) as runner:
        return [piece async for piece in answer(model, runner, asked)]


async def test_without_tools_the_first_words_are_the_answer(
    runner: FakeRunner, runner_url: str
) -> None:
    model = ScriptedModel(["It ", "rains."])

    pieces = await answered(model, runner_url, message(runner))

    assert pieces == ["It ", "rains."]
    assert model.heard == [(Asked("What is the weather?"),)]


async def test_a_tool_is_used_and_its_result_told_to_the_model(
    runner: FakeRunner, runner_url: str
) -> None:
    runner.tools["weather"] = "Rain."
    model = ScriptedModel(["One moment. ", CALL], ["It rains."])

    pieces = await answered(model, runner_url, message(runner))

    assert pieces == ["One moment. ", "It rains."]
    assert runner.tool_calls == [("weather", {"city": "Bern"})]
    assert model.heard[1] == (
        Asked("What is the weather?"),
        Answered("One moment. ", (CALL,)),
        Returned((ToolResult("call_1", "Rain."),)),
    )


async def test_several_calls_of_a_round_are_answered_in_their_order(
    runner: FakeRunner, runner_url: str
) -> None:
    runner.tools |= {"weather": "Rain.", "news": "None."}
    calls = [CALL, ToolCall("call_2", "news", "{}")]
    model = ScriptedModel([*calls], ["Wet."])

    await answered(model, runner_url, message(runner))

    [*_, returned] = model.heard[1]
    assert returned == Returned(
        (ToolResult("call_1", "Rain."), ToolResult("call_2", "None."))
    )


async def test_a_tool_that_is_not_there_is_told_to_the_model(
    runner: FakeRunner, runner_url: str
) -> None:
    model = ScriptedModel([CALL], ["I cannot tell."])

    pieces = await answered(model, runner_url, message(runner))

    [*_, returned] = model.heard[1]
    assert pieces == ["I cannot tell."]
    assert returned == Returned(
        (ToolResult("call_1", "There is no such tool.", is_error=True),)
    )


@pytest.mark.parametrize(
    ("refusal", "told"),
    [(Refusal(429), "no"), (Refusal(503), "no"), (Refusal(None), "It is not known")],
)
async def test_a_tool_call_is_not_repeated_and_its_failure_told(
    runner: FakeRunner, runner_url: str, refusal: Refusal, told: str
) -> None:
    runner.refuse("/tools/weather", refusal)
    runner.tools["weather"] = "Rain."
    model = ScriptedModel([CALL], ["Perhaps it rains."])

    await answered(model, runner_url, message(runner))

    [*_, returned] = model.heard[1]
    assert isinstance(returned, Returned)
    [result] = returned.results
    assert result.is_error
    assert result.content.startswith(told)
    assert runner.tool_calls == []


async def test_arguments_that_are_no_json_never_leave(
    runner: FakeRunner, runner_url: str
) -> None:
    model = ScriptedModel([ToolCall("call_1", "weather", "{")], ["Sorry."])

    await answered(model, runner_url, message(runner))

    [*_, returned] = model.heard[1]
    assert returned == Returned(
        (ToolResult("call_1", "The arguments are not JSON.", is_error=True),)
    )
    assert runner.tool_calls == []


async def test_a_name_of_a_tool_does_not_lead_elsewhere(
    runner: FakeRunner, runner_url: str
) -> None:
    model = ScriptedModel([ToolCall("1", "../heartbeat?x=", "{}")], ["Sorry."])

    await answered(model, runner_url, message(runner))

    assert runner.heartbeats == 0
    assert runner.tool_calls == [("../heartbeat?x=", {})]


async def test_a_model_may_use_tools_for_ten_rounds(
    runner: FakeRunner, runner_url: str
) -> None:
    runner.tools["weather"] = "Rain."
    model = ScriptedModel(*[[CALL]] * MOST_ROUNDS, ["It rains."])

    pieces = await answered(model, runner_url, message(runner))

    assert pieces == ["It rains."]
    assert len(runner.tool_calls) == MOST_ROUNDS == 10


async def test_an_eleventh_round_is_too_many(
    runner: FakeRunner, runner_url: str
) -> None:
    runner.tools["weather"] = "Rain."
    model = ScriptedModel(*[[CALL]] * (MOST_ROUNDS + 1))

    with pytest.raises(ModelCallError) as caught:
        await answered(model, runner_url, message(runner))

    assert caught.value.code == "TOOL_ROUNDS_EXCEEDED"
    assert len(runner.tool_calls) == MOST_ROUNDS


@pytest.mark.parametrize(
    ("status", "error"), [(401, TokenRefusedError), (409, MessageGoneError)]
)
async def test_a_message_that_is_not_ours_any_more_is_left(
    runner: FakeRunner, runner_url: str, status: int, error: type[Exception]
) -> None:
    runner.refuse("/tools/weather", Refusal(status))
    model = ScriptedModel([CALL])

    with pytest.raises(error):
        await answered(model, runner_url, message(runner))


async def test_blank_halves_of_the_history_are_left_out_with_their_turn(
    runner: FakeRunner, runner_url: str
) -> None:
    model = ScriptedModel(["Rain."])
    asked = message(runner, ("Hi", "Hello"), ("Well?", ""), (" ", "What?"))

    await answered(model, runner_url, asked)

    assert model.heard == [
        (Asked("Hi"), Answered("Hello"), Asked("What is the weather?"))
    ]
