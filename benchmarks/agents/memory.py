"""How much memory an idle default agent takes: `python benchmarks/agents/memory.py`.

For each provider type, an agent is started as the process runtime does, answers one
message, and waits for the next; its resident memory (VmRSS) is printed then.
"""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp

from ag2trust.launched import Place, launched
from ag2trust.operator import Operator
from ag2trust_sandbox import EXAMPLE_KEY_PAIR, Sandbox, serving

_LIMIT_MB = 80
_CLAUDE = "anthropic.claude-3-5-sonnet-20241022-v2:0"
_PROC = Path("/proc")


async def main() -> None:
    with TemporaryDirectory(prefix="ag2trust-memory-") as folder:
        place = Place(Path(folder) / "home")
        async with (
            serving() as sandbox,
            launched(place),
            aiohttp.ClientSession(
                place.gateway_url, headers={"X-API-Key": place.api_key}
            ) as session,
        ):
            for kind in ("openai", "anthropic", "bedrock"):
                await _answer(Operator(session), sandbox, kind)
                [resident] = _residents(place.home)
                print(f"{kind}: {resident} MB of at most {_LIMIT_MB}")
                await _stop_all(Operator(session))


async def _answer(operator: Operator, sandbox: Sandbox, kind: str) -> None:
    """Start an agent of a provider type, and have it answer once."""
    provider = await operator.made(
        "/api/providers", {"name": kind, "type": kind, **_fields(kind, sandbox)}
    )
    agent_type = await operator.made(
        "/api/agent-types",
        {
            "name": kind,
            "slug": kind,
            "provider_id": provider["id"],
            "model": _CLAUDE if kind == "bedrock" else "sandbox-echo",
        },
    )
    agent = await operator.made(
        "/api/agents", {"name": kind, "agent_type_id": agent_type["id"], "start": True}
    )
    await operator.until(f"/api/agents/{agent['id']}", status="running")
    answer = await operator.made(f"/api/ask/{kind}", {"content": "Hello?"})
    if answer["status"] != "completed":
        raise SystemExit(f"The {kind} agent did not answer: {answer['explanation']}")


def _fields(kind: str, sandbox: Sandbox) -> dict[str, Any]:
    match kind:
        case "openai":
            return {"base_url": sandbox.base_url, "api_key": "sk-any"}
        case "anthropic":
            return {"base_url": sandbox.anthropic_base_url, "api_key": "sk-any"}
        case _:
            return {
                "base_url": sandbox.bedrock_endpoint_url,
                "aws_region": "us-east-1",
                "aws_access_key_id": EXAMPLE_KEY_PAIR.access_key_id,
                "aws_secret_access_key": EXAMPLE_KEY_PAIR.secret_access_key,
            }


async def _stop_all(operator: Operator) -> None:
    for agent in await operator.all_of("/api/agents"):
        await operator.made(f"/api/agents/{agent['id']}/stop")
        await operator.until(f"/api/agents/{agent['id']}", status="stopped")


def _residents(home: Path) -> list[int]:
    """Return the memory in MB of every agent's process below *home*.

    The agents are closed to their neighbours, so this needs root: Linux shows the
    folder of a process that is not dumpable to nobody else.
    """
    return [_resident(each) for each in _PROC.glob("[0-9]*") if _is_agent(each, home)]


def _is_agent(process: Path, home: Path) -> bool:
    try:
        folder = (process / "cwd").readlink()
    except OSError:
        return False
    return folder.is_relative_to(home) and folder.parent.name == "homes"


def _resident(process: Path) -> int:
    lines = (process / "status").read_text().splitlines()
    [line] = [each for each in lines if each.startswith("VmRSS:")]
    return int(line.split()[1]) // 1024


if __name__ == "__main__":
    asyncio.run(main())
