"""Passwords: right ones, wrong ones, and those of nobody."""

from typing import Literal

import argon2

from gateway.access.passwords import Passwords

QUICK = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Hasher(argon2.PasswordHasher):
    """Notes what passwords are compared with."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.compared: list[str] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 - argon2's name
        self.compared.append(str(hash))
        return super().verify(hash, password)


async def test_a_password_is_told_from_another() -> None:
    passwords = Passwords(QUICK)
    hashed = await passwords.hash("correct horse")

    assert await passwords.verifies("correct horse", hashed)
    assert not await passwords.verifies("correct house", hashed)


async def test_a_password_of_nobody_is_compared_at_the_same_cost() -> None:
    hasher = Hasher()
    passwords = Passwords(hasher)
    somebodys = await passwords.hash("correct horse")

    assert not await passwords.verifies("correct horse", None)

    [nobodys] = hasher.compared
    assert argon2.extract_parameters(nobodys) == argon2.extract_parameters(somebodys)
