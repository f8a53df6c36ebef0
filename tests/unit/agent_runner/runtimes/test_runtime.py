from uuid import UUID

from agent_runner.runtimes.runtime import Launch


def test_nothing_secret_is_in_the_representation_of_a_launch() -> None:
    launch = Launch(
        agent_id=UUID(int=1),
        org_id=UUID(int=2),
        epoch=3,
        image="agent:1",
        environment={"OPENAI_API_KEY": "sk-canary"},
        secrets=frozenset({"sk-canary"}),
    )

    assert "canary" not in repr(launch)
