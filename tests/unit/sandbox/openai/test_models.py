import openai
import pytest
from openai import AsyncOpenAI

from ag2trust_sandbox import Sandbox, Step


async def test_the_list_names_the_sandbox_and_its_models(client: AsyncOpenAI) -> None:
    models = [model async for model in client.models.list()]

    assert {model.owned_by for model in models} == {"ag2trust-sandbox"}
    assert {"sandbox-echo", "sandbox-slow", "sandbox-cut", "sandbox-error-429"} <= {
        model.id for model in models
    }


@pytest.mark.parametrize("name", ["sandbox-error-500", "gpt-4o", "org/model"])
async def test_a_model_is_found_whatever_it_would_answer(
    client: AsyncOpenAI, name: str
) -> None:
    model = await client.models.retrieve(name)

    assert model.id == name
    assert model.owned_by == "ag2trust-sandbox"


async def test_a_missing_model_is_not_found(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as failure:
        await client.models.retrieve("missing-model")

    assert failure.value.code == "model_not_found"


async def test_a_script_answers_the_list_too(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    sandbox.play(Step(status=500))

    with pytest.raises(openai.InternalServerError):
        await client.models.list()
