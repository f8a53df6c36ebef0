import math

import openai
import pytest
from openai import AsyncOpenAI

from ag2trust_sandbox import Sandbox, Step, Usage, UsagePlace

MODEL = "text-embedding-3-small"


async def vector(client: AsyncOpenAI, text: str) -> list[float]:
    answer = await client.embeddings.create(model=MODEL, input=text)
    return answer.data[0].embedding


async def test_the_same_text_has_the_same_vector(client: AsyncOpenAI) -> None:
    assert await vector(client, "cat") == await vector(client, "cat")
    assert await vector(client, "cat") != await vector(client, "dog")


async def test_a_vector_has_length_one(client: AsyncOpenAI) -> None:
    assert math.hypot(*await vector(client, "cat")) == pytest.approx(1, abs=1e-6)


async def test_both_encodings_carry_the_same_numbers(client: AsyncOpenAI) -> None:
    """Without `encoding_format` the client asks for base64 and decodes it."""
    answer = await client.embeddings.create(
        model=MODEL, input="cat", encoding_format="float"
    )

    assert answer.data[0].embedding == await vector(client, "cat")


async def test_the_client_asks_for_base64_by_default(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    await vector(client, "cat")

    body = sandbox.requests[0].json
    assert isinstance(body, dict)
    assert body["encoding_format"] == "base64"


async def test_the_number_of_dimensions_is_honoured(client: AsyncOpenAI) -> None:
    answer = await client.embeddings.create(model=MODEL, input="cat", dimensions=1536)

    assert len(answer.data[0].embedding) == 1536


@pytest.mark.parametrize(
    ("given", "count", "tokens"),
    [
        ("12345", 1, 2),
        (["12345", "1"], 2, 3),
        ([7, 8, 9], 1, 3),
        ([[7, 8, 9], [7]], 2, 4),
    ],
)
async def test_every_form_of_input_is_counted(
    client: AsyncOpenAI,
    given: str | list[str] | list[int] | list[list[int]],
    count: int,
    tokens: int,
) -> None:
    answer = await client.embeddings.create(model=MODEL, input=given)

    assert [each.index for each in answer.data] == list(range(count))
    assert answer.usage.prompt_tokens == tokens
    assert answer.usage.total_tokens == tokens


async def test_scripted_usage_is_sent_as_written(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    sandbox.play(Step(usage=Usage(prompt_tokens=11, total_tokens=12)))

    answer = await client.embeddings.create(model=MODEL, input="cat")

    assert answer.usage.prompt_tokens == 11
    assert answer.usage.total_tokens == 12


async def test_usage_can_be_nowhere(client: AsyncOpenAI, sandbox: Sandbox) -> None:
    sandbox.play(Step(usage_place=UsagePlace.NOWHERE))

    answer = await client.embeddings.create(model=MODEL, input="cat")

    assert "usage" not in answer.model_fields_set


async def test_the_answer_to_a_chat_is_not_given_to_embeddings(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    sandbox.play(Step(content="Hello."))

    with pytest.raises(openai.BadRequestError) as failure:
        await vector(client, "cat")

    assert failure.value.code == "sandbox_script_mismatch"


@pytest.mark.parametrize("given", ["", [], [[]]])
async def test_an_empty_input_is_refused(
    client: AsyncOpenAI, given: str | list[str] | list[list[int]]
) -> None:
    with pytest.raises(openai.BadRequestError) as failure:
        await client.embeddings.create(model=MODEL, input=given)

    assert failure.value.param == "input"


async def test_a_missing_model_has_no_embeddings(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        await client.embeddings.create(model="missing-model", input="cat")
