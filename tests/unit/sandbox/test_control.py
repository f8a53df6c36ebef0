from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession
from openai import AsyncOpenAI

from ag2trust_sandbox import Sandbox, Step, fingerprint, serving
from ag2trust_sandbox.received import without_keys


@pytest.fixture
async def control(sandbox: Sandbox) -> AsyncIterator[ClientSession]:
    async with ClientSession(f"http://127.0.0.1:{sandbox.port}/sandbox/") as session:
        yield session


async def ask(client: AsyncOpenAI) -> str | None:
    answer = await client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": "Hello!"}]
    )
    return answer.choices[0].message.content


async def shown_requests(control: ClientSession) -> dict[str, Any]:
    async with control.get("requests") as response:
        shown: dict[str, Any] = await response.json()
        return shown


async def test_a_script_is_played_and_then_the_default_answer(
    control: ClientSession, client: AsyncOpenAI
) -> None:
    steps = [{"content": "One."}, {"content": ["T", "wo."], "repeat": 2}]
    async with control.put("script", json=steps) as response:
        assert response.status == 204
        assert response.headers["x-sandbox-provider"] == "true"

    answers = [await ask(client) for _ in range(4)]

    assert answers[:3] == ["One.", "Two.", "Two."]
    assert answers[3] is not None
    assert answers[3].startswith("This is the sandbox provider")


async def test_a_new_script_replaces_the_old_one(
    control: ClientSession, client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    sandbox.play(Step(status=500))

    async with control.put("script", json=[{"content": "New."}]):
        pass

    assert await ask(client) == "New."


async def test_a_wrong_script_is_refused_and_changes_nothing(
    control: ClientSession, sandbox: Sandbox
) -> None:
    sandbox.play(Step(content="Old."))

    async with control.put("script", json=[{}, {"bogus": 1}]) as response:
        told = await response.json()

    assert response.status == 400
    assert told["error_code"] == "INVALID_SCRIPT"
    assert told["details"] == {"1.bogus": "Extra inputs are not permitted"}
    assert sandbox.remaining_steps == (Step(content="Old."),)


async def test_what_remains_of_a_script_can_be_put_back(
    control: ClientSession, client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    steps = [{"content": "One.", "repeat": 3}, {"status": 429, "error": {"code": None}}]
    async with control.put("script", json=steps):
        pass
    await ask(client)
    before = sandbox.remaining_steps

    async with control.get("script") as response:
        remaining = await response.json()
    async with control.put("script", json=remaining):
        pass

    assert remaining == [{"content": "One.", "repeat": 2}, steps[1]]
    assert sandbox.remaining_steps == before


async def test_received_requests_are_shown(
    control: ClientSession, client: AsyncOpenAI
) -> None:
    await ask(client)

    shown = await shown_requests(control)

    assert shown["request_count"] == 1
    [request] = shown["requests"]
    assert request["method"] == "POST"
    assert request["path"] == "/v1/chat/completions"
    assert request["headers"]["x-stainless-lang"] == "python"
    assert request["body"] == {
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": "Hello!"}],
    }


async def test_a_body_that_is_no_json_is_shown_as_text(
    control: ClientSession, sandbox: Sandbox
) -> None:
    async with control.post(f"{sandbox.base_url}/embeddings", data=b"\xff{"):
        pass

    [request] = (await shown_requests(control))["requests"]

    assert request["body"] == "\ufffd{"


async def test_keys_are_shown_as_fingerprints(
    control: ClientSession, client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    await ask(client)

    [request] = (await shown_requests(control))["requests"]

    assert request["headers"]["authorization"] == f"Bearer {fingerprint('sk-test')}"
    assert dict(sandbox.requests[0].headers) == request["headers"]


async def test_keys_are_shown_in_full_if_the_sandbox_was_told_to() -> None:
    async with (
        serving(keys_in_full=True) as sandbox,
        AsyncOpenAI(base_url=sandbox.base_url, api_key="sk-test") as client,
    ):
        await ask(client)

        [request] = sandbox.requests
        assert request.headers["authorization"] == "Bearer sk-test"


def test_a_fingerprint_is_a_prefix_of_the_sha_256_of_a_key() -> None:
    """The digest of `abc`: FIPS 180-2, appendix B.1."""
    assert fingerprint("abc") == "sha256:ba7816bf8f01"


def test_a_key_that_is_no_utf_8_has_a_fingerprint_too() -> None:
    """Header byte 0xFF comes from aiohttp as U+DCFF."""
    assert fingerprint("\udcff") == "sha256:a8100ae6aa19"


def test_no_header_of_any_wire_shows_its_key() -> None:
    shown = without_keys({"x-api-key": "abc", "api-key": "abc", "accept": "abc"})

    assert shown == {
        "x-api-key": fingerprint("abc"),
        "api-key": fingerprint("abc"),
        "accept": "abc",
    }


async def test_forgotten_requests_are_neither_shown_nor_counted(
    control: ClientSession, client: AsyncOpenAI
) -> None:
    await ask(client)

    async with control.delete("requests") as response:
        assert response.status == 204

    assert await shown_requests(control) == {"request_count": 0, "requests": []}


async def test_only_the_latest_requests_are_kept_but_all_are_counted() -> None:
    async with (
        serving(remembered_requests=1) as sandbox,
        AsyncOpenAI(base_url=sandbox.base_url, api_key="sk-test") as client,
    ):
        await ask(client)
        await client.models.retrieve("gpt-4o")

        [request] = sandbox.requests
        assert request.path == "/v1/models/gpt-4o"
        assert sandbox.request_count == 2


async def test_a_refused_request_is_shown_but_takes_no_step(
    control: ClientSession, sandbox: Sandbox
) -> None:
    sandbox.play(Step(content="Still here."))

    async with control.post(f"{sandbox.base_url}/chat/completions", json={}):
        pass

    assert sandbox.request_count == 1
    assert sandbox.remaining_steps == (Step(content="Still here."),)
