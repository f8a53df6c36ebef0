"""Who runs which test when several processes share them out."""

from xdist.scheduler import LoadScopeScheduling

__all__ = ["SharingOut"]

_OF_ONE_BROWSER = "tests/browser/"
_ONE_AT_A_TIME = (
    "tests/integration/agent_image/",
    "tests/integration/agent_runner/test_broker",
    "tests/integration/agent_runner/test_docker_",
    "tests/integration/stack/test_agent_images",
    "tests/stack/test_closed_doors",
    "tests/stack/test_compose",
    "tests/stack/test_side_by_side",
)
_OF_ONE_STACK = tuple(
    f"tests/stack/test_{name}."
    for name in (
        *("bad_input", "command_line", "dead_neighbour", "incomplete_provider", "kill"),
        *("killed_runner", "provider_tests", "rotation"),
        *("the_way_of_a_message", "usage_and_prices"),
    )
)
_SHARED_BY_NO_TWO = ("tests/unit/metrics/test_detectors",)
_IN_CONTAINERS = "[docker"  # the first parameter of what is tested in both runtimes


class SharingOut(LoadScopeScheduling):  # type: ignore[misc] # xdist is untyped
    """A file's tests go to one process, so that what they share is made once.

    So do the files whose tests share a running stack, and those that share a browser.
    What needs the container engine goes to one process altogether. Of a long file whose
    tests share nothing each goes to whoever is free.
    """

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(_ONE_AT_A_TIME) or _IN_CONTAINERS in nodeid:
            return "engine"
        if nodeid.startswith(_OF_ONE_BROWSER):
            return "browser"
        if nodeid.startswith(_OF_ONE_STACK):
            return "stack"
        if nodeid.startswith(_SHARED_BY_NO_TWO):
            return nodeid
        return nodeid.partition("::")[0]
