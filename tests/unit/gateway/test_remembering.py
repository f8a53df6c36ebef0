import asyncio

from gateway.access.permissions import Role
from gateway.access.principals import Principal
from gateway.access.remembering import Remembering
from gateway.access.tokens import hash_of

from .objects import ORGANIZATION, SOME_ID

HASH = hash_of("a key")
OWNER = Principal(ORGANIZATION, "api_key", SOME_ID, Role.OWNER)


class Record:
    """Knows the one key until it is revoked; may be made to take its time."""

    def __init__(self) -> None:
        self.is_revoked = False
        self.lookups = 0
        self.answers = asyncio.Event()
        self.answers.set()
        self.asked = asyncio.Event()

    async def find(self, hashed: bytes) -> Principal | None:
        self.lookups += 1
        found = OWNER if hashed == HASH and not self.is_revoked else None
        self.asked.set()
        await self.answers.wait()
        return found


class Seconds:
    def __init__(self) -> None:
        self.passed = 0.0

    def __call__(self) -> float:
        return self.passed


async def test_a_key_is_looked_up_again_after_five_seconds() -> None:
    record, seconds = Record(), Seconds()
    keys = Remembering(record.find, monotonic=seconds)

    await keys.principal(HASH)
    seconds.passed = 4.9
    await keys.principal(HASH)
    looked_up_early = record.lookups
    seconds.passed = 5.0
    record.is_revoked = True

    assert looked_up_early == 1
    assert await keys.principal(HASH) is None


async def test_a_key_that_is_forgotten_is_looked_up_at_once() -> None:
    record = Record()
    keys = Remembering(record.find, monotonic=Seconds())
    await keys.principal(HASH)

    record.is_revoked = True
    keys.forget(OWNER.id)

    assert await keys.principal(HASH) is None


async def test_a_key_forgotten_while_it_is_looked_up_is_not_remembered() -> None:
    record = Record()
    keys = Remembering(record.find, monotonic=Seconds())
    record.answers.clear()

    async with asyncio.TaskGroup() as group:
        group.create_task(keys.principal(HASH))
        await record.asked.wait()
        record.is_revoked = True
        keys.forget(OWNER.id)
        record.answers.set()

    assert await keys.principal(HASH) is None


async def test_wrong_keys_are_not_remembered() -> None:
    record = Record()
    keys = Remembering(record.find, monotonic=Seconds())

    for _ in range(2):
        assert await keys.principal(hash_of("another")) is None

    assert record.lookups == 2
