"""Who runs which test when several processes share them out."""

from xdist.scheduler import LoadScopeScheduling

__all__ = ["SharingOut"]

_ONE_AT_A_TIME = (
    "tests/browser/",
    "tests/stack/",
    "tests/integration/stack/",
    "tests/integration/agent_image/",
    "tests/integration/agent_runner/test_docker_",
    "tests/integration/agent_runner/test_broker",
)


class SharingOut(LoadScopeScheduling):  # type: ignore[misc] # xdist is untyped
    """A file's tests go to one process, so that what they share is made once.

    What starts a whole stack or containers goes to one process altogether: there is one
    engine, and it would take all cores several times over.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "machine" if file.startswith(_ONE_AT_A_TIME) else file
