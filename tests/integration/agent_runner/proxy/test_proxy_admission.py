import hashlib

import openai
import pytest
from pydantic import SecretStr
from tests.unit.agent_runner.http.wire import wired

from ag2trust_sandbox import Sandbox
from agent_runner.attempts import Attempt, Refused
from shared.contracts.credentials import ProviderType

from .proxying import HELLO, KEY, MODEL, Proxy, agent_at, lease_of
from .raw_agent import request

BODY = b'{"model":"sandbox-echo","messages":[{"role":"user","content":"Hi"}]}'
CHAT = "chat/completions"


async def refused(
    proxy: Proxy, sandbox: Sandbox, path: str = CHAT, **asked: object
) -> tuple[int, str]:
    """Ask, and see to it that nothing went out and nothing was recorded."""
    answer = await proxy.ask(path, BODY, **asked)  # type: ignore[arg-type]  # as asked

    assert answer.headers["x-ag2trust-error"].lower() == answer.code
    assert answer.headers["x-request-id"]
    assert sandbox.request_count == 0
    assert proxy.records() == []
    return answer.status, answer.code


async def test_the_token_in_the_path_and_the_key_that_was_given_let_in(
    proxy: Proxy,
) -> None:
    answer = await proxy.client().chat.completions.create(model=MODEL, messages=[HELLO])

    assert answer.model == MODEL


async def test_a_bearer_token_stands_for_itself(proxy: Proxy, sandbox: Sandbox) -> None:
    client = proxy.client(
        base_url=f"http://127.0.0.1:{proxy.port}/openai/v1", api_key=proxy.agent.token
    )

    await client.chat.completions.create(model=MODEL, messages=[HELLO])

    assert sandbox.requests[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer sk-another",
        "Bearer ",
        "Bearer",
        "",
        f"Basic {KEY}",
        KEY,
        f"Bearer {KEY} ",
        f"Bearer {KEY}, Bearer x",
        f"Bearer {KEY.upper()}",
        "Bearer \udcff\udce9",
        "Bearer ключ",
    ],
)
async def test_a_key_that_was_not_given_to_this_agent_is_refused(
    proxy: Proxy, sandbox: Sandbox, authorization: str
) -> None:
    # RFC 9110, section 5.5: white space around a value is none of it.
    if authorization.strip() == f"Bearer {KEY}":
        authorization = f"Bearer  {KEY}"
    headers = {"Authorization": authorization}

    assert await refused(proxy, sandbox, headers=headers) == (
        401,
        "credential_mismatch",
    )


async def test_the_sdk_raises_for_a_key_that_was_not_given(proxy: Proxy) -> None:
    client = proxy.client(api_key="sk-another")

    with pytest.raises(openai.AuthenticationError) as raised:
        await client.chat.completions.create(model=MODEL, messages=[HELLO])

    assert raised.value.code == "credential_mismatch"


@pytest.mark.parametrize("path", ["/a/{}/openai/v1/" + CHAT, "/openai/v1/" + CHAT])
@pytest.mark.parametrize("token", ["agt_unknown", "agt_" + "0f" * 32, "0", "_"])
async def test_an_unknown_token_is_refused(
    proxy: Proxy, sandbox: Sandbox, path: str, token: str
) -> None:
    headers = {} if "{}" in path else {"Authorization": f"Bearer {token}"}

    answer = await refused(proxy, sandbox, path.format(token), headers=headers)

    assert answer == (401, "invalid_agent_token")


@pytest.mark.parametrize("authorization", ["", "Bearer ", "Bearer \udcff", "Basic x"])
async def test_without_a_token_nobody_is_let_in(
    proxy: Proxy, sandbox: Sandbox, authorization: str
) -> None:
    answer = await refused(
        proxy,
        sandbox,
        f"/openai/v1/{CHAT}",
        headers={"Authorization": authorization},
    )

    assert answer == (401, "invalid_agent_token")


async def test_a_token_counts_on_its_agents_own_address_alone(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    await proxy.doors.open("127.0.0.2")
    neighbour = agent_at("127.0.0.2", lease=proxy.agent.lease, models=[MODEL])
    proxy.hosted.add(neighbour)

    abroad = await refused(proxy, sandbox, f"/a/{neighbour.token}/openai/v1/{CHAT}")
    proxy.agent = neighbour
    await proxy.client().chat.completions.create(model=MODEL, messages=[HELLO])

    assert abroad == (401, "invalid_agent_token")


async def test_a_token_is_dead_as_soon_as_its_agent_is_gone(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    proxy.hosted.remove(proxy.agent)

    assert await refused(proxy, sandbox) == (401, "invalid_agent_token")
    answer = await proxy.ask(
        "/agent/v1/heartbeat",
        headers={"Authorization": f"Bearer {proxy.agent.token}"},
    )
    assert answer.status == 401


@pytest.mark.parametrize("waits", [False, True])
async def test_a_token_is_dead_though_a_head_with_it_came_before(
    proxy: Proxy, sandbox: Sandbox, *, waits: bool
) -> None:
    asked = request(proxy, BODY)
    if waits:  # which is for a task
        asked = asked.replace(b"Host: x", b"Host: x\r\nExpect: 100-continue")
    async with wired(proxy.calls, in_callbacks=proxy.calls.directly) as agent:
        agent.say(asked[: -len(BODY)])
        if waits:
            await agent.until(b"100 Continue")
        proxy.hosted.remove(proxy.agent)

        agent.say(BODY)

        await agent.until(b"content-length")
        assert b"HTTP/1.1 401 " in agent.wire.written
    assert sandbox.request_count == 0
    assert proxy.records() == []


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer \udcff", "Bearer agt_unknown"]
)
async def test_the_agent_protocol_wants_a_token_too(
    proxy: Proxy, authorization: str
) -> None:
    answer = await proxy.ask(
        "/agent/v1/heartbeat", headers={"Authorization": authorization}
    )

    assert answer.status == 401
    assert b"INVALID_AGENT_TOKEN" in answer.body


async def test_a_model_outside_the_list_is_refused_for_good(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    with pytest.raises(openai.PermissionDeniedError) as raised:
        await proxy.client(max_retries=2).chat.completions.create(
            model="gpt-4o", messages=[HELLO]
        )

    assert raised.value.code == "model_not_allowed"
    assert raised.value.response.headers["x-ag2trust-attempts"] == "0"
    assert sandbox.request_count == 0
    assert proxy.records() == []


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("gpt-4o", "gpt-4o"),
        ("模型\\ud800", "%E6%A8%A1%E5%9E%8B%ED%A0%80"),
        ("x" * 257, None),
        ("", None),
    ],
)
async def test_a_refusal_tells_the_model_that_was_asked_for(
    proxy: Proxy, model: str, told: str | None
) -> None:
    answer = await proxy.ask(CHAT, BODY.replace(b"sandbox-echo", model.encode()))

    assert answer.status == 403
    assert answer.headers.get("x-ag2trust-model") == told


@pytest.mark.parametrize("model", ["", " sandbox-echo", "Sandbox-Echo", "sandbox-ech"])
async def test_a_model_is_named_exactly(
    proxy: Proxy, sandbox: Sandbox, model: str
) -> None:
    answer = await proxy.ask(CHAT, BODY.replace(b"sandbox-echo", model.encode()))

    assert (answer.status, answer.code) == (403, "model_not_allowed")
    assert sandbox.request_count == 0


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "responses/resp_1"),
        ("POST", "responses/compact"),
        ("POST", "files"),
        ("POST", "chat/completions/"),
        ("POST", "/chat/completions"),
        ("POST", "chat//completions"),
        ("POST", "chat%2Fcompletions"),
        ("POST", "chat%252Fcompletions"),
        ("POST", "%63hat/completions"),
        ("POST", "x/../chat/completions"),
        ("POST", "./chat/completions"),
        ("POST", "../v1/chat/completions"),
        ("POST", "%2e%2e/v1/chat/completions"),
        ("POST", "chat/completions?x=1"),
        ("POST", "chat/completions?model=gpt-4o"),
        ("POST", "chat/completions;x"),
        ("POST", "chat/completions%00"),
        ("POST", "chat/completions%3Fx=1"),
        ("POST", ""),
        ("GET", "chat/completions"),
        ("PUT", "chat/completions"),
        ("DELETE", "models"),
        ("GET", "models/sandbox-echo"),
        ("GET", "models?limit=1"),
        ("OPTIONS", "chat/completions"),
        ("POST", "models"),
    ],
)
async def test_paths_and_methods_are_a_list(
    proxy: Proxy, sandbox: Sandbox, method: str, path: str
) -> None:
    given = f"{proxy.path}/{path}"

    answer = await refused(proxy, sandbox, given, method=method)

    assert answer == (403, "path_not_allowed")


@pytest.mark.parametrize(
    "path",
    [
        "/a/{token}",
        "/a/{token}/",
        "/a/{token}/openai/chat/completions",
        "/a/{token}/v1/chat/completions",
        "/a/{token}/openai/v1",
        "//a/{token}/openai/v1/chat/completions",
        "/a//{token}/openai/v1/chat/completions",
        "/a/{token}%2Fopenai/v1/chat/completions",
        "/A/{token}/openai/v1/chat/completions",
        "/x/../a/{token}/openai/v1/chat/completions",
        "/openai/chat/completions",
        "/v1/chat/completions",
        "/",
    ],
)
async def test_a_path_beside_the_proxys_is_refused_without_repeating_it(
    proxy: Proxy, sandbox: Sandbox, path: str
) -> None:
    given = path.format(token=proxy.agent.token)

    answer = await proxy.ask(given, BODY)

    assert (answer.status, answer.code) == (403, "path_not_allowed")
    assert proxy.agent.token.encode() not in answer.body
    assert sandbox.request_count == 0


async def test_the_models_are_those_of_the_agent_type(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    proxy.allow("sandbox-echo", "模型/1")

    listed = [each.id async for each in proxy.client().models.list()]

    assert listed == ["sandbox-echo", "模型/1"]
    assert sandbox.request_count == 0
    assert proxy.records() == []


async def test_a_disabled_provider_gets_no_calls(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    proxy.change_credential(enabled=False)

    assert await refused(proxy, sandbox) == (503, "service_unavailable")


async def test_a_provider_of_another_wire_format_gets_only_chats(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    proxy.change_credential(type=ProviderType.ANTHROPIC)

    outcome = await refused(proxy, sandbox, "responses")

    assert outcome == (400, "wire_format_mismatch")


async def test_a_provider_without_a_key_gets_no_calls(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    proxy.change_credential(fields={})

    assert await refused(proxy, sandbox) == (503, "service_unavailable")


async def test_a_renewed_lease_brings_the_key_and_the_old_one_still_identifies(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    client = proxy.client()
    await client.chat.completions.create(model=MODEL, messages=[HELLO])

    proxy.change_credential(version=2, fields={"api_key": SecretStr("sk-renewed")})
    await client.chat.completions.create(model=MODEL, messages=[HELLO])

    keys = [each.headers["authorization"] for each in sandbox.requests]
    assert keys == [f"Bearer {KEY}", "Bearer sk-renewed"]


async def test_a_key_that_was_never_delivered_does_not_identify(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    proxy.change_credential(version=2, fields={"api_key": SecretStr("sk-renewed")})

    answer = await refused(
        proxy, sandbox, headers={"Authorization": "Bearer sk-renewed"}
    )

    assert answer == (401, "credential_mismatch")


async def test_refused_keys_and_tokens_are_counted_for_the_agent_that_called(
    proxy: Proxy,
) -> None:
    await proxy.client().chat.completions.create(model=MODEL, messages=[HELLO])
    let_in = proxy.hosted.attempts.taken()

    await proxy.ask(CHAT, BODY, headers={"Authorization": "Bearer sk-other"})
    for path in ("/a/agt_wrong/openai/v1/models", "/openai/v1/models"):
        await proxy.ask(path, method="GET")

    assert let_in == []
    assert proxy.hosted.attempts.taken() == [
        (Attempt(Refused.KEY, proxy.agent.id), 1),
        (Attempt(Refused.TOKEN, proxy.agent.id), 2),
    ]


async def test_every_key_that_was_delivered_identifies(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    proxy.agent.delivered |= {hashlib.sha256(b"sk-second").digest()}

    for key in (KEY, "sk-second"):
        await proxy.client(api_key=key).chat.completions.create(
            model=MODEL, messages=[HELLO]
        )

    keys = {each.headers["authorization"] for each in sandbox.requests}
    assert keys == {f"Bearer {KEY}"}


async def test_a_changed_base_url_is_used_for_the_next_call(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    proxy.lead_to("http://127.0.0.1:1/v1")
    await proxy.ask(CHAT, BODY)

    proxy.agent.lease = lease_of(f"{sandbox.base_url}/")
    answer = await proxy.ask(CHAT, BODY)

    assert answer.status == 200
    assert sandbox.requests[0].path == "/v1/chat/completions"
