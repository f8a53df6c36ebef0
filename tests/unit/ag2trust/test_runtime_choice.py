"""Docker where it works, processes where it does not, and a sentence why."""

import pytest

from ag2trust.errors import LaunchError
from ag2trust.installation import RunnerRuntime
from ag2trust.runtime_choice import choose_runtime
from ag2trust.screen import Screen
from ag2trust.variables import RuntimeWish


class KeptScreen(Screen):
    def __init__(self) -> None:
        self.text = ""

    def say(self, text: str = "") -> None:
        self.text += f"{text}\n"


async def _image() -> str:
    return "agent:1"


async def _no_engine() -> str:
    raise LaunchError("No container engine answers.")


@pytest.mark.parametrize("wish", [RuntimeWish.AUTO, RuntimeWish.DOCKER])
async def test_docker_is_used_where_the_image_can_be_made(wish: RuntimeWish) -> None:
    runtime = await choose_runtime(wish, _image, Screen())

    assert runtime == RunnerRuntime("docker", agent_image="agent:1")


async def test_auto_falls_back_to_processes_and_says_why() -> None:
    screen = KeptScreen()

    runtime = await choose_runtime(RuntimeWish.AUTO, _no_engine, screen)

    assert runtime == RunnerRuntime("process")
    assert "No container engine answers." in screen.text
    assert "isolates nothing" in screen.text


async def test_who_wants_docker_gets_docker_or_nothing() -> None:
    with pytest.raises(LaunchError, match="No container engine answers"):
        await choose_runtime(RuntimeWish.DOCKER, _no_engine, Screen())


async def test_the_process_runtime_asks_no_engine_and_warns() -> None:
    screen = KeptScreen()

    runtime = await choose_runtime(RuntimeWish.PROCESS, _no_engine, screen)

    assert runtime == RunnerRuntime("process")
    assert "isolates nothing" in screen.text
