"""Where an agent's secrets are, and what becomes of it if they do not come whole."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from agent_runner.broker.engine import engine_at
from agent_runner.runtimes.errors import LaunchFailedError
from agent_runner.runtimes.launch_frame import REFUSED
from agent_runner.runtimes.runtime import Runtime
from shared.ids import new_id

from .broker_client import calling, connected, launch_request, told
from .docker_lab import SOCKET, DockerLab
from .waiting import said, tail

pytestmark = pytest.mark.docker

NO_TIME = timedelta()
# Everything but what the kernel makes up, which shows a process its own environment.
SEARCH = (
    'for each in /*; do case "$each" in /proc | /sys) ;; '
    '*) grep -rlasF -D skip -e "$AG2TRUST_AGENT_TOKEN" "$each" ;; esac; done; '
    "echo searched; sleep 1000"
)
DELIVERIES = {
    "environment": {
        "AG2TRUST_AGENT_TOKEN": "{canary}",
        "OPENAI_API_KEY": "sk-{canary}",
        "OPENAI_BASE_URL": "http://10.0.0.1/a/{canary}/openai/v1",
    },
    "sealed": {
        "AG2TRUST_AGENT_TOKEN": "{canary}",
        "OPENAI_API_KEY": "{canary}",
        "OPENAI_BASE_URL": "http://10.0.0.1/openai/v1",
    },
}
HOSTILE = {
    "no end": b"OPENAI_API_KEY=canary\n",
    "another name": b"LD_PRELOAD=/tmp/canary\nEND 1\n",
}
MORE_HOSTILE = {  # test_agent_init.py puts the like of them to every shell
    "nothing": b"",
    "a line that does not end": b"OPENAI_API_KEY=canary",
    "an end too early": b"OPENAI_API_KEY=canary\nEND 2\n",
    "an end in a value": b"OPENAI_API_KEY=canary\nEND 1x\n",
    "a value over two lines": b"OPENAI_API_KEY=canary\ncanary\nEND 1\n",
    "a very long value": b"OPENAI_API_KEY=" + b"canary" * 2000 + b"\nEND 1\n",
    "a command": b"OPENAI_API_KEY=$(echo canary)\x20;id\nEND 1\n",
    "an empty value": b"OPENAI_API_KEY=\nEND 1\n",
}


@pytest.fixture
async def runtime(lab: DockerLab) -> AsyncIterator[Runtime]:
    async with lab.runtime() as runtime:
        yield runtime


@pytest.fixture
async def broker(lab: DockerLab) -> AsyncIterator[Path]:
    async with lab.broker() as broker:
        yield broker


def delivered(delivery: str, canary: str) -> dict[str, str]:
    """Return what an agent is told under a delivery; *canary* is all of its secrets."""
    variables = DELIVERIES[delivery]
    return {name: value.format(canary=canary) for name, value in variables.items()}


@pytest.mark.parametrize(
    "delivery", ["environment", pytest.param("sealed", marks=pytest.mark.torture)]
)
async def test_docker_and_its_files_never_hold_what_an_agent_is_told(
    lab: DockerLab, runtime: Runtime, delivery: str
) -> None:
    """Nor do the container's: while the agent runs, and after it has stopped."""
    canary = uuid4().hex
    image = await lab.image(SEARCH)
    environment = delivered(delivery, canary)

    async with lab.guest(runtime, image, environment=environment) as guest:
        await runtime.launch(guest.launch)
        await said(runtime, guest.id, "searched")
        inside = tail(runtime, guest.id).splitlines()
        shown = json.dumps([await lab.shown(guest.id), await lab.networks(guest.id)])
        during = await lab.files_with(canary)
        await runtime.stop(guest.id, grace=NO_TIME)
        after = await lab.files_with(canary)

    assert "searched" in inside
    assert not [line for line in inside if line.startswith("/")]
    assert canary not in shown
    assert during == []
    assert after == []


async def test_a_secret_in_a_file_of_the_container_is_found(
    lab: DockerLab, runtime: Runtime
) -> None:
    """The negative control of the search inside."""
    image = await lab.image('echo "$AG2TRUST_AGENT_TOKEN" >/tmp/file; ' + SEARCH)
    environment = delivered("sealed", uuid4().hex)

    async with lab.guest(runtime, image, environment=environment) as guest:
        await runtime.launch(guest.launch)
        await said(runtime, guest.id, "searched")

        assert "/tmp/file" in tail(runtime, guest.id)  # noqa: S108


async def test_an_environment_that_docker_is_told_is_found_in_its_files(
    lab: DockerLab,
) -> None:
    """The negative control of the search outside: Docker's files, and containerd's."""
    canary = uuid4().hex
    config: dict[str, Any] = {
        "Image": await lab.image("echo up; sleep 1000"),
        "Env": [f"OPENAI_API_KEY=sk-{canary}"],
        "Labels": {"ag2trust.installation": lab.installation},
    }

    container = await lab.docker.containers.create(config)
    shown = json.dumps(await container.show())
    await container.start()
    names = {Path(path).name for path in await lab.files_with(canary)}

    assert canary in shown
    assert names >= {"config.v2.json", "meta.db", "config.json"}


@pytest.mark.parametrize("byte", [b"\0", b"\r", b"\t", b"\x1b", b"\x7f", b"\xc3"])
async def test_an_environment_with_a_byte_that_is_no_text_makes_no_container(
    lab: DockerLab, broker: Path, byte: bytes
) -> None:
    frame = b"OPENAI_API_KEY=canary" + byte + b"\nEND 1\n"
    request = launch_request(new_id(), lab.installation) | {"frame_bytes": len(frame)}

    answer = await told(broker, request, frame)

    assert answer["code"] == "MALFORMED_REQUEST"
    assert "canary" not in answer["failure"]


@pytest.mark.parametrize(
    "frame",
    [
        *(pytest.param(frame, id=name) for name, frame in HOSTILE.items()),
        *(
            pytest.param(frame, id=name, marks=pytest.mark.torture)
            for name, frame in MORE_HOSTILE.items()
        ),
    ],
)
async def test_an_environment_that_is_none_runs_no_command(
    lab: DockerLab, broker: Path, frame: bytes
) -> None:
    """Sent by somebody who has taken the runner over: it would never send these."""
    image = await lab.image("echo the command ran; sleep 1000")
    agent_id = await connected(broker)

    async with calling(broker) as line:
        request = launch_request(agent_id, image) | {"frame_bytes": len(frame)}
        await line.say(request, frame)
        assert "container_id" in await line.hears()
        said = await line.all_pieces()

    state = (await lab.shown(agent_id))["State"]
    assert (state["Running"], state["ExitCode"]) == (False, REFUSED)
    assert b"the command ran" not in said
    assert b"canary" not in said


async def test_an_environment_that_is_whole_runs_the_command(
    lab: DockerLab, broker: Path
) -> None:
    """The negative control: the same way, with a frame that is one."""
    image = await lab.image("echo the command ran: $OPENAI_API_KEY")
    agent_id = await connected(broker)
    frame = b"OPENAI_API_KEY=$(id);`id`\nEND 1\n"

    async with calling(broker) as line:
        request = launch_request(agent_id, image) | {"frame_bytes": len(frame)}
        await line.say(request, frame)
        assert "container_id" in await line.hears()
        said = await line.all_pieces()

    assert b"the command ran: $(id);`id`\n" in said


async def test_an_init_that_hangs_is_ended_and_leaves_nothing(lab: DockerLab) -> None:
    hangs = "printf '#!/bin/bash\\\\nsleep 1000' >/bin/sh"
    image = await lab.image("true", f'RUN ["/bin/bash", "-c", "{hangs}"]')

    async with (
        lab.runtime(ready_within=timedelta(seconds=2)) as runtime,
        lab.guest(runtime, image) as guest,
    ):
        with pytest.raises(LaunchFailedError, match="not ready within 2 seconds"):
            await runtime.launch(guest.launch)

    assert not await lab.containers()
    assert not await lab.networks()


async def test_an_init_whose_runner_goes_away_ends(
    lab: DockerLab, runtime: Runtime
) -> None:
    """Its input ends with the attachment (`StdinOnce`), and it has no environment."""
    image = await lab.image("sleep 1000")

    async with (
        lab.guest(runtime, image) as guest,
        engine_at(SOCKET, lab.owner) as engine,
    ):
        container_id = await lab.created(guest, engine)
        async with engine.attached(container_id):
            await engine.start(container_id)
        [container] = await lab.containers(guest.id)
        ended = await container.wait()

    assert ended["StatusCode"] == REFUSED
