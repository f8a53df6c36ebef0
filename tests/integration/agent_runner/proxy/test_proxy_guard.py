import socket
from collections.abc import Sequence
from pathlib import Path

import pytest
from aiohappyeyeballs import AddrInfoType

from agent_runner.http.client import Resolve
from shared.contracts.metrics import CallStatus

from .proxying import open_proxy
from .raw_provider import Conversation, raw_provider, whole

BODY = b'{"model":"sandbox-echo","messages":[{"role":"user","content":"Hi"}]}'


def names(*addresses: str) -> Resolve:
    """Resolve every name to the same addresses, as an attacker's server would."""

    async def resolve(_: str, port: int) -> Sequence[AddrInfoType]:
        return [
            (
                socket.AF_INET6 if ":" in each else socket.AF_INET,
                socket.SOCK_STREAM,
                socket.IPPROTO_TCP,
                "",
                (each, port, 0, 0) if ":" in each else (each, port),
            )
            for each in addresses
        ]

    return resolve


async def answer(asked: Conversation) -> None:
    asked.say(whole(b"{}"))


@pytest.mark.parametrize(
    "addresses",
    [
        ["169.254.169.254"],
        ["169.254.169.254", "169.254.170.2"],
        ["::ffff:169.254.169.254"],
        ["64:ff9b::a9fe:a9fe"],
        ["fe80::1"],
        ["fd00:ec2::254"],
        ["0.1.2.3"],
        ["100.100.100.200"],
        ["224.0.0.1"],
    ],
)
@pytest.mark.parametrize("allow_private", [False, True])
async def test_a_name_that_leads_to_metadata_is_never_connected_to(
    spool_folder: Path, addresses: list[str], *, allow_private: bool
) -> None:
    async with open_proxy(
        spool_folder,
        "https://provider.example/v1",
        allow_private=allow_private,
        resolve=names(*addresses),
    ) as proxy:
        told = await proxy.ask("chat/completions", BODY)

        assert told.status == 502
        assert told.code == "base_url_forbidden"
        assert told.headers["x-should-retry"] == "false"
        (record,) = proxy.records()
        assert record.status is CallStatus.FAILED
        assert record.explanation is not None
        assert record.explanation.code == "BASE_URL_FORBIDDEN"


@pytest.mark.parametrize(
    "base_url",
    [
        "http://169.254.169.254/v1",
        "http://[::ffff:169.254.169.254]/v1",
        "http://[64:ff9b::169.254.169.254]/v1",
        "http://0.1.2.3/v1",
    ],
)
async def test_an_address_written_out_is_checked_as_well(
    spool_folder: Path, base_url: str
) -> None:
    async with open_proxy(spool_folder, base_url, allow_private=True) as proxy:
        told = await proxy.ask("chat/completions", BODY)

        assert told.code == "base_url_forbidden"


@pytest.mark.parametrize(
    ("allow_private", "status", "connections"), [(False, 502, 0), (True, 200, 1)]
)
async def test_a_private_address_is_reached_only_where_that_is_allowed(
    spool_folder: Path, *, allow_private: bool, status: int, connections: int
) -> None:
    async with raw_provider(answer, host="127.0.0.2") as provider:
        base_url = provider.base_url.replace("127.0.0.2", "provider.example")
        async with open_proxy(
            spool_folder,
            base_url,
            allow_private=allow_private,
            resolve=names("127.0.0.2"),
        ) as proxy:
            told = await proxy.ask("chat/completions", BODY)

        assert told.status == status
        assert provider.connections == connections


async def test_a_good_address_beside_a_forbidden_one_is_used(
    spool_folder: Path,
) -> None:
    async with raw_provider(answer, host="127.0.0.2") as provider:
        base_url = provider.base_url.replace("127.0.0.2", "provider.example")
        async with open_proxy(
            spool_folder, base_url, resolve=names("169.254.169.254", "127.0.0.2")
        ) as proxy:
            told = await proxy.ask("chat/completions", BODY)

        assert told.status == 200


async def test_a_proxy_of_the_environment_is_not_used(
    spool_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with raw_provider(answer) as provider, raw_provider(answer) as other:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, other.base_url.removesuffix("/v1"))
        async with open_proxy(spool_folder, provider.base_url) as proxy:
            told = await proxy.ask("chat/completions", BODY)

        assert told.status == 200
        assert other.connections == 0
