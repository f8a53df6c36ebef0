"""What an agent does to its host when it takes all it can: nothing, nor to others."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from ag2trust.waiting import until
from agent_runner.runtimes.runtime import ExitReason, Resources, Runtime

from .docker_lab import DockerLab, Guest, docker_lab
from .door import KNOCK
from .waiting import next_exit, printed, tail

pytestmark = [pytest.mark.docker, pytest.mark.asyncio(loop_scope="module")]

NO_TIME = timedelta()
SCRATCH_BYTES = 16 * 1024 * 1024
SMALL = Resources(memory_mb=64, cpus=0.5, pids=32)
FORK_BOMB = "perl -e 'fork while 1'"


@pytest_asyncio.fixture(loop_scope="module")
async def lab() -> AsyncIterator[DockerLab]:
    async with docker_lab() as lab:
        yield lab


@pytest_asyncio.fixture(loop_scope="module")
async def runtime(lab: DockerLab) -> AsyncIterator[Runtime]:
    async with lab.runtime() as runtime:
        yield runtime


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def neighbour() -> AsyncIterator[Guest]:
    """Launch an agent that answers what it is asked, beside every bomb."""
    async with docker_lab() as lab, lab.runtime() as runtime:
        image = await lab.image(
            KNOCK + 'echo up >&3; while read -r line <&3; do echo "$line!" >&3; done'
        )
        async with lab.guest(runtime, image) as guest:
            await runtime.launch(guest.launch)
            assert await guest.door.hears() == "up"
            yield guest


async def answers(neighbour: Guest) -> bool:
    neighbour.door.say("there")
    return await neighbour.door.hears() == "there!"


async def stats(lab: DockerLab, guest: Guest) -> Any:
    [container] = await lab.containers(guest.id)
    [measured] = await container.stats(stream=False)
    return measured


async def processes_reach(lab: DockerLab, guest: Guest, count: int) -> None:
    await until(
        f"{count} processes",
        lambda: stats(lab, guest),
        lambda found: found["pids_stats"]["current"] >= count,
    )


async def test_a_fork_bomb_ends_at_its_agents_processes(
    lab: DockerLab, runtime: Runtime, neighbour: Guest
) -> None:
    image = await lab.image(FORK_BOMB)

    async with lab.guest(runtime, image, resources=SMALL) as bomb:
        await runtime.launch(bomb.launch)
        await processes_reach(lab, bomb, SMALL.pids)

        assert await answers(neighbour)
        await until(  # the kernel counts a fork while it refuses it
            f"no more than {SMALL.pids} processes",
            lambda: stats(lab, bomb),
            lambda found: found["pids_stats"]["current"] == SMALL.pids,
        )
        await runtime.stop(bomb.id, grace=NO_TIME)

    assert await answers(neighbour)


async def test_the_same_bomb_goes_as_far_as_it_may(
    lab: DockerLab, runtime: Runtime
) -> None:
    """The negative control, with a bound that is only further away."""
    image = await lab.image(FORK_BOMB)
    more = Resources(memory_mb=256, cpus=0.5, pids=4 * SMALL.pids)

    async with lab.guest(runtime, image, resources=more) as bomb:
        await runtime.launch(bomb.launch)

        await processes_reach(lab, bomb, 2 * SMALL.pids)


async def test_a_memory_bomb_ends_its_agent_alone(
    lab: DockerLab, runtime: Runtime, neighbour: Guest
) -> None:
    image = await lab.image("perl -e 'push @all, q(a) x 1_000_000 while 1'")

    async with lab.guest(runtime, image, resources=SMALL) as bomb:
        await runtime.launch(bomb.launch)
        exited = await next_exit(runtime)

    assert (exited.agent_id, exited.reason) == (bomb.id, ExitReason.OUT_OF_MEMORY)
    assert await answers(neighbour)


async def test_what_is_too_much_for_one_agent_is_not_for_a_larger_one(
    lab: DockerLab, runtime: Runtime
) -> None:
    """The negative control: it is the bound that ends it, and nothing else."""
    image = await lab.image("perl -e 'print length(q(a) x 100_000_000), qq(\\n)'")
    large = Resources(memory_mb=256)

    assert await printed(lab, runtime, image, large) == ["100000000"]
    assert await printed(lab, runtime, image, SMALL) == []


async def test_a_disk_bomb_fills_what_is_its_agents_own(
    lab: DockerLab, runtime: Runtime, neighbour: Guest
) -> None:
    fill = (
        "cat /dev/zero >$place/file 2>/dev/null; perl -le 'print -s shift' $place/file"
    )
    image = await lab.image(
        "exec 2>&1; "  # two streams are told in any order
        f"for place in /tmp /dev/shm; do {fill}; done; cat /dev/zero >/file"
    )

    lines = await printed(lab, runtime, image, Resources(memory_mb=128))

    assert lines[:2] == [str(SCRATCH_BYTES)] * 2
    assert "Read-only file system" in lines[2]
    assert await answers(neighbour)


async def test_a_plain_container_fills_the_hosts_disk(lab: DockerLab) -> None:
    """The negative control, ended early."""
    size = 4 * SCRATCH_BYTES
    image = await lab.image(
        f"perl -e 'print q(a) x {size}' >/file; perl -e 'print -s shift' /file"
    )

    assert await lab.plain(image) == [str(size)]


async def test_an_agent_writes_nowhere_but_to_its_scratch(
    lab: DockerLab, runtime: Runtime
) -> None:
    """To every mount, and to every folder of the root."""
    write = '(echo x >"$place/new") 2>/dev/null && echo "$place"'
    image = await lab.image(
        'while read -r _ place _ <&4; do places+=("$place"); done 4</proc/mounts; '
        f'for place in "${{places[@]}}" /* /dev/* /proc/*; do {write}; done'
    )

    lines = await printed(lab, runtime, image)

    assert set(lines) - {"/dev/mqueue"} == {"/tmp", "/dev/shm"}  # noqa: S108


async def test_files_without_end_end(
    lab: DockerLab, runtime: Runtime, neighbour: Guest
) -> None:
    image = await lab.image(
        "cd /tmp; perl -e 'open F, q(>), ++$n or last while 1; print qq($n\\n)'"
    )

    async with lab.guest(runtime, image, resources=SMALL) as bomb:
        await runtime.launch(bomb.launch)
        exited = await next_exit(runtime)

    assert exited.reason is ExitReason.OUT_OF_MEMORY
    assert await answers(neighbour)


async def test_sockets_without_end_end(
    lab: DockerLab, runtime: Runtime, neighbour: Guest
) -> None:
    hoard = (
        "perl -e 'while ($n < 5000) { socket(my $s, 2, 1, 0) or last; "
        "push @all, $s; $n++ } print qq($n\\n)'"
    )
    image = await lab.image(hoard)

    [count] = await printed(lab, runtime, image)

    assert int(count) < 1024
    assert await answers(neighbour)
    ulimits = [{"Name": "nofile", "Soft": 8192, "Hard": 8192}]
    assert await lab.plain(image, Ulimits=ulimits) == ["5000"]


async def test_a_busy_agent_gets_no_more_than_its_part_of_a_core(
    lab: DockerLab, runtime: Runtime, neighbour: Guest
) -> None:
    """By what the kernel counts: periods at whose end it was kept waiting."""
    image = await lab.image("while :; do :; done")

    async with lab.guest(runtime, image, resources=SMALL) as busy:
        await runtime.launch(busy.launch)
        await until(
            "a period in which it was kept waiting",
            lambda: stats(lab, busy),
            lambda found: found["cpu_stats"]["throttling_data"]["throttled_periods"],
        )

        assert await answers(neighbour)


async def test_an_agent_that_prints_without_end_leaves_others_alone(
    lab: DockerLab, runtime: Runtime, neighbour: Guest
) -> None:
    image = await lab.image(KNOCK + "yes & echo up >&3; wait")

    async with lab.guest(runtime, image) as flood:
        await runtime.launch(flood.launch)
        assert await flood.door.hears() == "up"

        assert await answers(neighbour)
        assert len(tail(runtime, flood.id)) <= 64 * 1024
        assert (await lab.shown(flood.id))["LogPath"] == ""


async def test_a_plain_container_has_docker_write_what_it_prints(
    lab: DockerLab,
) -> None:
    """The negative control of the line above."""
    container = await lab.docker.containers.create(
        {
            "Image": await lab.image("echo hello"),
            "Labels": {"ag2trust.installation": lab.installation},
            "HostConfig": {"LogConfig": {"Type": "json-file"}},
        }
    )
    await container.start()
    await container.wait()

    assert (await container.show())["LogPath"].endswith("-json.log")
