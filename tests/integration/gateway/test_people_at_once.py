"""People who are changed while they come in: what was checked must still hold."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, replace
from typing import TypeAlias
from uuid import UUID

import pytest
import pytest_asyncio
from tests.integration.lock_waits import until_blocked

from gateway.access.passwords import Passwords
from gateway.access.permissions import Permission, Role
from gateway.access.principals import Principal
from gateway.logging_in import LoggingIn, Login, Token
from gateway.repositories.invitations import PostgresInvitations
from gateway.repositories.logins import PostgresLogins, Tries
from gateway.repositories.oidc import PostgresOidc
from gateway.repositories.sessions import NewSession, PostgresSessions
from gateway.repositories.users import PostgresUsers
from gateway.settings import Settings
from shared.contracts.base import Actor
from shared.database import Database, connect_database
from shared.errors import (
    ForbiddenError,
    InvitationNotFoundError,
    LoginRefusedError,
)
from shared.ids import new_id
from shared.migrations import migrate

from .conftest import Superuser

pytestmark = pytest.mark.integration

EMAIL, PASSWORD = "ada@example.com", "correct horse battery staple"
ACTOR = Actor(kind="service", id="test")
LINK, NEXT_LINK = b"l" * 32, b"n" * 32


@dataclass(frozen=True, slots=True)
class House:
    """An organization with an owner, and Ada, who has a password and an unused link."""

    org_id: UUID
    ada: UUID
    users: PostgresUsers
    invitations: PostgresInvitations
    logging_in: LoggingIn

    @property
    def owner(self) -> Principal:
        return Principal(self.org_id, "api_key", new_id(), Role.OWNER)

    async def log_in(self) -> None:
        login = Login(EMAIL, PASSWORD, None)
        await self.logging_in.log_in(login, Token("secret", _session()))

    async def change_password(self) -> None:
        who = Principal(self.org_id, "user", self.ada, Role.VIEWER)
        found = await self.users.one(self.org_id, self.ada)
        await self.users.change_password(
            who, "another hash", _session(), instead_of=found.password_hash
        )

    async def accept(self) -> None:
        await self.invitations.accept(
            LINK, email=None, name=None, password_hash="by link", session=_session()
        )

    async def remove(self) -> None:
        await self.users.remove(self.org_id, self.ada, by=self.owner)

    async def invite_again(self) -> None:
        await self.invitations.invite_again(
            self.org_id, self.ada, NEXT_LINK, by=self.owner
        )


Act: TypeAlias = Callable[[House], Coroutine[None, None, None]]


@pytest_asyncio.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    await migrate(settings, "gateway.migrations")
    async with connect_database(settings) as connected:
        yield connected


@pytest_asyncio.fixture
async def house(database: Database, superuser: Superuser) -> House:
    passwords, users = Passwords(), PostgresUsers(database)
    sessions, logins = PostgresSessions(database), PostgresLogins(database)
    invitations = PostgresInvitations(database)
    org_id, ada = new_id(), new_id()
    await superuser.execute(
        "INSERT INTO organization (id, name, created_at) VALUES ($1, 'one', now())",
        org_id,
    )
    await superuser.execute(
        "INSERT INTO api_key (id, org_id, name, role, hash, created_at)"
        " VALUES (gen_random_uuid(), $1, 'owner', 'owner', $2, now())",
        org_id,
        bytes(32),
    )
    await invitations.invite(
        org_id=org_id,
        user_id=ada,
        email=EMAIL,
        name=None,
        role=Role.VIEWER,
        hashed=LINK,
        actor=ACTOR,
    )
    await superuser.execute(
        "UPDATE user_account SET password_hash = $1", await passwords.hash(PASSWORD)
    )
    logging_in = LoggingIn(users, sessions, logins, passwords)
    return House(org_id, ada, users, invitations, logging_in)


@pytest.mark.parametrize("come_in", [House.log_in, House.change_password])
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE user_account SET password_hash = 'of somebody who was quicker'",
        "UPDATE user_account SET is_enabled = false",
        "DELETE FROM user_account",
    ],
)
async def test_a_password_that_was_checked_lets_nobody_in_who_was_changed_meanwhile(
    house: House, superuser: Superuser, come_in: Act, change: str
) -> None:
    async def held() -> None:
        with pytest.raises(LoginRefusedError):
            await come_in(house)

    async with asyncio.TaskGroup() as group, superuser.transaction():
        await superuser.execute(change)
        group.create_task(held())
        await until_blocked(superuser, "gateway")

    assert await superuser.fetchval("SELECT count(*) FROM session") == 0


async def test_who_is_disabled_while_an_identity_provider_names_them_stays_out(
    house: House, database: Database, superuser: Superuser
) -> None:
    async def refused() -> None:
        with pytest.raises(LoginRefusedError):
            await PostgresOidc(database).log_in(
                email=EMAIL, subject="ada", organization=None, session=_session()
            )

    async with asyncio.TaskGroup() as group, superuser.transaction():
        await superuser.execute(
            "UPDATE user_account SET is_enabled = false WHERE id = $1", house.ada
        )
        group.create_task(refused())
        await until_blocked(superuser, "gateway_sweep")


@pytest.mark.parametrize("end", [House.remove, House.invite_again])
async def test_a_link_that_is_ended_while_it_is_followed_leads_nowhere(
    house: House, superuser: Superuser, end: Act
) -> None:
    async def refused() -> None:
        with pytest.raises(InvitationNotFoundError):
            await house.accept()

    async with asyncio.TaskGroup() as group, superuser.transaction():
        await superuser.execute("SELECT FROM user_account FOR UPDATE")
        group.create_task(end(house))
        await until_blocked(superuser, "gateway")
        group.create_task(refused())
        await until_blocked(superuser, "gateway_sweep")


async def test_a_key_with_scopes_makes_no_link_for_who_may_more(house: House) -> None:
    by = replace(house.owner, scopes=frozenset({Permission.USERS_WRITE}))

    with pytest.raises(ForbiddenError):
        await house.invitations.invite_again(house.org_id, house.ada, NEXT_LINK, by=by)


async def test_who_logs_in_by_a_clock_that_was_put_back_is_in(
    house: House, superuser: Superuser
) -> None:
    await superuser.execute(
        """
        INSERT INTO session (id, org_id, user_id, hash, expires_at)
        SELECT format('ffffffff-0000-7000-8000-%s', lpad(n::text, 12, '0'))::uuid,
               $1, $2, sha256(n::text::bytea), now() + interval '1 day'
        FROM generate_series(1, 10) AS n
        """,
        house.org_id,
        house.ada,
    )

    await house.log_in()

    ids = await superuser.fetch("SELECT id::text FROM session ORDER BY id")
    assert len(ids) == 10
    assert not ids[0]["id"].startswith("ffffffff")


async def test_tries_of_a_clock_that_was_put_back_keep_nobody_out(
    house: House, superuser: Superuser
) -> None:
    await superuser.execute(
        "INSERT INTO login_attempt (id, began_at, attempts)"
        " VALUES ($1, now() + interval '1 year', 10)",
        Tries(f"email:{EMAIL}", 10).id,
    )

    await house.log_in()

    assert await superuser.fetchval("SELECT count(*) FROM session") == 1


async def test_who_is_removed_while_what_has_ended_is_swept_is_gone(
    house: House, database: Database, superuser: Superuser
) -> None:
    await house.log_in()
    await superuser.execute("UPDATE session SET expires_at = now()")
    await superuser.execute("UPDATE invitation SET expires_at = now()")

    async with asyncio.TaskGroup() as group, superuser.transaction():
        await superuser.execute("SELECT FROM session FOR UPDATE")
        group.create_task(PostgresSessions(database).forget())
        await until_blocked(superuser, "gateway_sweep")
        group.create_task(house.remove())
        await until_blocked(superuser, "gateway")

    assert await superuser.fetchval("SELECT count(*) FROM user_account") == 0


def _session() -> NewSession:
    session_id = new_id()
    return NewSession(session_id, session_id.bytes * 2, user_agent=None, address=None)
