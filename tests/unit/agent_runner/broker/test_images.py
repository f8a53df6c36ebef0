"""Which images are allowed, however they are called."""

import pytest

from agent_runner.broker.images import AgentImage, AllowedImages, ImageName

ID = "sha256:" + "1" * 64
REGISTRY_DIGEST = "sha256:" + "2" * 64
OTHER = "sha256:" + "3" * 64


def image(*names: str) -> AgentImage:
    return AgentImage.described(
        {
            "Id": ID,
            "RepoTags": [name for name in names if "@" not in name],
            "RepoDigests": [name for name in names if "@" in name],
            "Config": {"Entrypoint": ["/entry"]},
        }
    )


def is_allowed(entries: str, asked: str, *names: str) -> bool:
    allowed, name = AllowedImages.parse(entries), ImageName.parse(asked)
    is_allowed = allowed.allow(name, image(*(names or (asked,))))
    assert not is_allowed or allowed.may_be(name)
    return is_allowed


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("agent", "docker.io/library/agent:latest"),
        ("agent:1", "docker.io/library/agent:1"),
        ("ours/agent", "docker.io/ours/agent:latest"),
        ("docker.io/agent", "docker.io/library/agent:latest"),
        ("index.docker.io/ours/agent", "docker.io/ours/agent:latest"),
        ("registry.example/agent", "registry.example/agent:latest"),
        ("localhost/agent", "localhost/agent:latest"),
        ("host:5000/agent", "host:5000/agent:latest"),
        ("host:5000/a/b:1.2_3-x", "host:5000/a/b:1.2_3-x"),
        (f"ours/agent@{ID}", f"docker.io/ours/agent@{ID}"),
    ],
)
def test_names_are_read_as_docker_reads_them(text: str, full: str) -> None:
    assert ImageName.parse(text).full == full


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", ":", "@", "/", "agent:", "agent@", "a//b", "/agent", "agent/"),
        *("Agent", "a b", "agent\n", "agent:tag\n", "agent:-1", "ägent", "a/../b"),
        *("-agent", "agent-", "a..b", "agent:1:2", "http://host/agent", "host:x/a"),
        *(
            "agent@sha256:12",
            f"agent:1@{ID}",
            f"agent@{ID}@{ID}",
            f"agent@{ID.upper()}",
        ),
        *("a" * 256, "agent:" + "1" * 129),
    ],
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="image"):
        ImageName.parse(text)


@pytest.mark.parametrize("entries", ["", "  \n", "agent Agent"])
def test_a_list_that_cannot_be_read_is_refused(entries: str) -> None:
    with pytest.raises(ValueError, match="image"):
        AllowedImages.parse(entries)


@pytest.mark.parametrize(
    ("entries", "asked"),
    [
        ("ours/agent", "ours/agent"),
        ("ours/agent", "ours/agent:2"),
        ("ours/agent", f"ours/agent@{REGISTRY_DIGEST}"),
        ("ours/agent", "docker.io/ours/agent"),
        ("ours/agent:1", "ours/agent:1"),
        ("ours/agent:latest", "ours/agent"),
        ("other ours/agent", "ours/agent"),
        (f"ours/agent@{ID}", "ours/agent:1"),
    ],
)
def test_what_an_entry_names_is_allowed(entries: str, asked: str) -> None:
    assert is_allowed(entries, asked)


@pytest.mark.parametrize(
    ("entries", "asked"),
    [
        ("ours/agent", "theirs/agent"),
        ("ours/agent", "agent"),
        ("ours/agent", "ours/agent2"),
        ("ours/agent", "ours/agent/agent"),
        ("ours/agent", "registry.example/ours/agent"),
        ("registry.example/ours/agent", "ours/agent"),
        ("host:5000/agent", "host:5001/agent"),
        ("ours/agent:1", "ours/agent:2"),
        ("ours/agent:1", "ours/agent"),
        ("ours/agent:1", f"ours/agent@{REGISTRY_DIGEST}"),
        (f"ours/agent@{OTHER}", "ours/agent:1"),
        (f"theirs/agent@{ID}", "ours/agent:1"),
    ],
)
def test_what_no_entry_names_is_not(entries: str, asked: str) -> None:
    assert not is_allowed(entries, asked)


def test_a_digest_may_be_a_registrys() -> None:
    entry = f"ours/agent@{REGISTRY_DIGEST}"

    assert is_allowed(entry, "ours/agent:1", "ours/agent:1", entry)
    assert is_allowed(entry, entry)
    assert not is_allowed(entry, "ours/agent:1", "ours/agent:1")


def test_the_digest_of_another_repository_does_not_count() -> None:
    names = ("ours/agent:1", f"theirs/agent@{REGISTRY_DIGEST}")

    assert not is_allowed(f"ours/agent@{REGISTRY_DIGEST}", "ours/agent:1", *names)


def test_an_image_that_was_found_by_something_else_than_its_name_is_not_allowed() -> (
    None
):
    """An engine finds images by the beginning of their id, too."""
    assert not is_allowed("cafe", "cafe", "theirs/image:1")
    assert is_allowed("cafe", "cafe", "theirs/image:1", "cafe:latest")


def test_an_image_is_read_as_docker_describes_it() -> None:
    config = {
        "Entrypoint": ["/entry"],
        "Cmd": ["argument"],
        "User": "agent",
        "Volumes": {"/data": {}},
    }

    found = AgentImage.described(
        {"Id": ID, "RepoTags": ["agent:1"], "RepoDigests": None, "Config": config}
    )

    assert found == AgentImage(
        id=ID,
        names=frozenset({"docker.io/library/agent:1"}),
        command=("/entry", "argument"),
        user="agent",
        volumes=frozenset({"/data"}),
    )


def test_an_image_may_say_nothing() -> None:
    config = {"Entrypoint": None, "Cmd": None, "User": "", "Volumes": None}

    found = AgentImage.described(
        {"Id": ID, "RepoTags": [], "RepoDigests": [], "Config": config}
    )

    assert found == AgentImage(ID, frozenset(), (), "", frozenset())
