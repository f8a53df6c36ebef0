import json
from collections.abc import Mapping

import pytest

from ag2trust_sandbox import Sandbox
from shared.contracts.agent_types import ProviderFeature

from .proxying import MODEL, Proxy

SEARCH = {"tools": [{"type": "web_search"}]}
STORED = {
    "messages": [
        {
            "role": "user",
            "content": [{"type": "file", "file": {"file_id": "file-of-another"}}],
        }
    ]
}


def body(fields: Mapping[str, object]) -> bytes:
    plain = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]}
    return json.dumps({**plain, **fields}).encode()


@pytest.mark.parametrize(
    ("fields", "feature"),
    [
        (SEARCH, ProviderFeature.HOSTED_TOOLS),
        ({"tools": [{"type": "mcp"}]}, ProviderFeature.REMOTE_MCP),
        ({"background": True}, ProviderFeature.BACKGROUND),
        (STORED, ProviderFeature.STORED_OBJECTS),
    ],
)
async def test_what_reaches_beyond_a_call_needs_the_types_leave(
    proxy: Proxy,
    sandbox: Sandbox,
    fields: Mapping[str, object],
    feature: ProviderFeature,
) -> None:
    others = [each for each in ProviderFeature if each is not feature]
    proxy.change_type(provider_features=others)

    answer = await proxy.ask("chat/completions", body(fields))

    assert (answer.status, answer.code) == (403, "feature_not_allowed")
    assert feature.value.encode() in answer.body
    assert answer.headers["x-should-retry"] == "false"
    assert sandbox.request_count == 0
    assert proxy.records() == []


async def test_what_the_type_allows_goes_out_as_it_was_sent(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    proxy.change_type(provider_features=[ProviderFeature.HOSTED_TOOLS])

    await proxy.ask("chat/completions", body(SEARCH))

    (received,) = sandbox.requests
    assert received.body == body(SEARCH)
