"""`python -m gateway.login_link [email]`: print a one-time link, for who is locked out.

It is told the settings of the service. Without an email the link is for the first
person, who becomes the owner; with one it is for that person, to set a new password.
"""

import asyncio
import sys

from shared.contracts.base import Actor
from shared.database import connect_database
from shared.errors import AppError
from shared.settings import SettingsError, load

from .access.tokens import hash_of, new_token
from .repositories.invitations import PostgresInvitations
from .settings import Settings

__all__ = ["login_link"]

_OPERATOR = Actor(kind="service", id="gateway.login_link")


async def login_link(settings: Settings, email: str | None) -> str | None:
    """Make a link and return it; None if there is nobody whom it could let in."""
    token = new_token()
    async with connect_database(settings) as database:
        invitations = PostgresInvitations(database)
        if email is None:
            is_made = await invitations.offer_first_login(hash_of(token))
        else:
            email = email.strip().lower()
            is_made = bool(
                await invitations.offer(email, hash_of(token), actor=_OPERATOR)
            )
    return f"{settings.url_for_people}/welcome#{token}" if is_made else None


def _main(arguments: list[str]) -> int:
    if len(arguments) > 1:
        sys.stderr.write("python -m gateway.login_link [email]\n")
        return 2
    email = arguments[0] if arguments else None
    try:
        link = asyncio.run(login_link(load(Settings), email))
    except (AppError, SettingsError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if link is None:
        sys.stderr.write(
            "There is nobody with this email who may come in.\n"
            if email
            else "Somebody has come in already; name the email of who shall.\n"
        )
        return 1
    sys.stdout.write(f"{link}\n")
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
