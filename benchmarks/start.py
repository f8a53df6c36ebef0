"""How long `ag2trust run` takes until it is ready: the first start, and later ones.

`python benchmarks/start.py [process|docker]` prints seconds; the target of a later
start is 5 s on a quiet machine.
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from ag2trust.launched import Place, launched

_LATER_STARTS = 3


async def main(runtime: str) -> None:
    with tempfile.TemporaryDirectory(prefix="ag2trust-start-") as folder:
        place = Place(Path(folder) / "home")
        print(f"{runtime}: first start {await _start(place, runtime):.2f} s")
        for _ in range(_LATER_STARTS):
            print(f"{runtime}: later start {await _start(place, runtime):.2f} s")


async def _start(place: Place, runtime: str) -> float:
    began = perf_counter()
    async with launched(place, AG2TRUST_RUNTIME=runtime):
        return perf_counter() - began


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "process"))
