"""The whole product as processes: `ag2trust run`, and somebody who may talk to it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import aiohttp

from ag2trust.launched import READY, Launched, Place, launching
from ag2trust.operator import Operator
from ag2trust.quick_folder import quick_folder

__all__ = ["OWNER_KEY", "Whole", "new_place", "running"]

OWNER_KEY = "cust_" + "a1B2" * 8

_READY_SECONDS = 280.0  # a first Docker run builds the agent's image


@dataclass(frozen=True, slots=True)
class Whole:
    """A stack that runs; *operator* has *key*, which is an owner's."""

    place: Place
    launcher: Launched
    operator: Operator
    key: str

    @property
    def installation(self) -> str:
        """What the labels of its containers and networks carry."""
        return (self.place.home / "installation").read_text().strip()


@contextmanager
def new_place() -> Iterator[Place]:
    """Provide a home that is not there yet, in a folder that goes at the end."""
    with quick_folder() as folder:
        yield Place(folder / "home")


@asynccontextmanager
async def running(
    place: Place, runtime: str, *, key: str = OWNER_KEY, **variables: str
) -> AsyncIterator[Whole]:
    """Run the stack of *place*; *key* becomes its first owner's at the first start.

    The launcher has further *variables*.
    """
    ours = {"AG2TRUST_RUNTIME": runtime, "AG2TRUST_BOOTSTRAP_API_KEY": key}
    async with (
        launching(place, **ours, **variables) as launcher,
        aiohttp.ClientSession(
            base_url=place.gateway_url, headers={"X-API-Key": key}
        ) as session,
    ):
        await launcher.says(READY, seconds=_READY_SECONDS)
        yield Whole(place, launcher, Operator(session), key)
