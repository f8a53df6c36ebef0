import anthropic
import pytest
from anthropic import AsyncAnthropic

from ag2trust_sandbox import Sandbox, Step, Usage


async def test_the_list_is_paged_through(
    client: AsyncAnthropic, sandbox: Sandbox
) -> None:
    names = [model.id async for model in client.models.list(limit=4)]

    assert {"sandbox-echo", "sandbox-slow", "sandbox-error-429"} <= set(names)
    assert len(names) == len(set(names)) == 10
    assert sandbox.request_count == 3


async def test_the_list_goes_backwards_too(client: AsyncAnthropic) -> None:
    names = [model.id async for model in client.models.list()]

    page = await client.models.list(before_id=names[3], limit=2)

    assert [model.id for model in page.data] == names[1:3]
    assert page.has_more


async def test_an_impossible_page_is_refused(client: AsyncAnthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match="limit: Input should be"):
        await client.models.list(limit=0)


@pytest.mark.parametrize("name", ["sandbox-error-500", "claude-opus-5-5"])
async def test_a_model_is_found_whatever_it_would_answer(
    client: AsyncAnthropic, name: str
) -> None:
    model = await client.models.retrieve(name)

    assert model.id == name
    assert model.lifecycle == "active"


async def test_a_missing_model_is_not_found(client: AsyncAnthropic) -> None:
    with pytest.raises(anthropic.NotFoundError) as failure:
        await client.models.retrieve("missing-model")

    assert failure.value.type == "not_found_error"


async def test_tokens_are_counted_as_a_message_would_be(client: AsyncAnthropic) -> None:
    count = await client.messages.count_tokens(
        model="claude-opus-5-5",
        system="Be brief.",
        messages=[{"role": "user", "content": "Hello!"}],
    )

    assert count.input_tokens == 3 + 2


async def test_a_scripted_count_is_sent_as_written(
    client: AsyncAnthropic, sandbox: Sandbox
) -> None:
    sandbox.play(Step(usage=Usage(prompt_tokens=2095, cached_tokens=2000)))

    count = await client.messages.count_tokens(
        model="claude-opus-5-5", messages=[{"role": "user", "content": "Hello!"}]
    )

    assert count.input_tokens == 2095


async def test_a_count_has_no_words(client: AsyncAnthropic, sandbox: Sandbox) -> None:
    sandbox.play(Step(content="Good day."))

    with pytest.raises(anthropic.BadRequestError, match="answers a chat"):
        await client.messages.count_tokens(
            model="claude-opus-5-5", messages=[{"role": "user", "content": "Hello!"}]
        )
