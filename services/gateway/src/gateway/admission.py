"""All that decides who is let in, put together once."""

from dataclasses import dataclass

from shared.bus import Bus

from .access.authentication import Authentication
from .access.browsers import Browsers
from .access.passwords import Passwords
from .access.remembering import Remembering
from .access.revocations import Revocations
from .logging_in import LoggingIn
from .repositories.records import Records

__all__ = ["Admission"]


@dataclass(frozen=True, slots=True)
class Admission:
    authentication: Authentication
    revocations: Revocations
    browsers: Browsers
    passwords: Passwords
    logging_in: LoggingIn

    @classmethod
    def of(
        cls, records: Records, bus: Bus, browsers: Browsers, passwords: Passwords
    ) -> "Admission":
        keys = Remembering(records.api_keys.principal)
        sessions = Remembering(records.sessions.principal)
        return cls(
            authentication=Authentication(keys, sessions, browsers),
            revocations=Revocations(bus, keys, sessions),
            browsers=browsers,
            passwords=passwords,
            logging_in=LoggingIn(
                records.users, records.sessions, records.logins, passwords
            ),
        )
