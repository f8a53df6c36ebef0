import subprocess
import sys

_PROGRAM = """
import ctypes, resource
from credentials.hardening import forbid_dumps
forbid_dumps()
PR_GET_DUMPABLE = 3
dumpable = ctypes.CDLL(None).prctl(PR_GET_DUMPABLE)
print(resource.getrlimit(resource.RLIMIT_CORE), dumpable)
"""


def test_memory_goes_into_no_core_file_and_to_no_neighbour() -> None:
    ran = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True
    )

    assert ran.stdout == "(0, 0) 0\n"
