import re
from pathlib import Path

import pytest

from ag2trust.agent_image import (
    PYTHON_IMAGE,
    EngineError,
    agent_image_tag,
    ensure_agent_image,
)
from ag2trust.python_base_image import HOME_MADE, BaseImageError

from .fakes import FakeEngine


def test_the_tag_names_version_and_content() -> None:
    tag = agent_image_tag(PYTHON_IMAGE)

    assert re.fullmatch(r"ag2trust/agent:\d+\.\d+\.\d+-[0-9a-f]{12}", tag)


def test_another_base_image_makes_another_tag() -> None:
    assert agent_image_tag("python:3.11") != agent_image_tag(PYTHON_IMAGE)


async def test_an_image_that_is_there_is_not_made_again() -> None:
    tag = agent_image_tag(PYTHON_IMAGE)
    progress: list[str] = []

    async with FakeEngine(tag).listening() as url:
        ensured = await ensure_agent_image(docker_url=url, progress=progress.append)

    assert ensured == tag
    assert progress == []


async def test_an_engine_that_does_not_answer_is_named() -> None:
    nowhere = "unix:///nowhere/docker.sock"

    with pytest.raises(EngineError, match="The container engine failed"):
        await ensure_agent_image(docker_url=nowhere, progress=print)


async def test_without_any_python_image_the_person_is_told_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    engine = FakeEngine()

    async with engine.listening() as url:
        with pytest.raises(BaseImageError, match=r"docker load.*python\.sh") as caught:
            await ensure_agent_image(docker_url=url, progress=print)

    assert PYTHON_IMAGE in str(caught.value)
    assert engine.asked_for == [PYTHON_IMAGE]


async def test_the_home_made_image_is_never_asked_of_a_registry(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    engine = FakeEngine()

    async with engine.listening() as url:
        with pytest.raises(BaseImageError):
            await ensure_agent_image(
                base_image=HOME_MADE, docker_url=url, progress=print
            )

    assert engine.asked_for == []
