import sys

import pytest

from ag2trust.program import ProgramError, run_program


async def test_a_program_that_succeeds_says_nothing() -> None:
    await run_program(sys.executable, "-c", "print(1)", seconds=10)


async def test_a_failing_program_is_quoted_with_its_last_words() -> None:
    words = "import sys; print('first'); sys.exit('disk full')"

    with pytest.raises(ProgramError, match=r"failed\.\n    .*first|disk full"):
        await run_program(sys.executable, "-c", words, seconds=10)


async def test_a_program_that_takes_too_long_is_ended() -> None:
    forever = "import signal; signal.pause()"

    with pytest.raises(ProgramError, match="took longer than 0 s"):
        await run_program(sys.executable, "-c", forever, seconds=0.2)


async def test_a_program_that_is_not_there_cannot_be_run() -> None:
    with pytest.raises(ProgramError, match=r"/nowhere cannot be run: No such file"):
        await run_program("/nowhere", seconds=10)
