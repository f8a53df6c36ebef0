"""AWS STS as its clients see it, with short sessions and faults on order.

It speaks the query protocol: a form in, XML out. moto knows no trust policy, no fault,
and no session of another length than it was asked for.
Source: the service model sts/2011-06-15 of botocore.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from aiohttp import web
from aiohttp.test_utils import TestServer

__all__ = ["ROLE", "FakeSts", "Fault", "running_fake_sts"]

ROLE = "arn:aws:iam::111122223333:role/bedrock"

_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"


@dataclass(frozen=True, slots=True)
class Fault:
    """How one question fails: refused as *code*, or answered with *body*."""

    code: str = ""
    status: int = 403
    body: str | None = None


@dataclass
class FakeSts:
    """*asked* are the forms that came, *callers* the access key ids that signed them.

    The role is lent to *trusted* callers, to those who say *external_id* if it is set,
    for *lifetime*. While *released* is not set, every question waits.
    """

    trusted: set[str] = field(default_factory=lambda: {"AKIAIOSFODNN7EXAMPLE"})
    external_id: str | None = None
    lifetime: timedelta = timedelta(seconds=60)
    asked: list[Mapping[str, str]] = field(default_factory=list)
    callers: list[str] = field(default_factory=list)
    faults: deque[Fault] = field(default_factory=deque)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    def __post_init__(self) -> None:
        self.released.set()

    async def answer(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append(form)
        self.callers.append(_caller(request))
        await self.released.wait()
        fault = self.faults.popleft() if self.faults else self._refusal(form)
        if fault is None:
            return _xml(self._credentials())
        body = _error(fault.code) if fault.body is None else fault.body
        return _xml(body, status=fault.status)

    def _refusal(self, form: Mapping[str, str]) -> Fault | None:
        if self.callers[-1] not in self.trusted:
            return Fault("InvalidClientTokenId")
        if self.external_id not in {None, form.get("ExternalId")}:
            return Fault("AccessDenied")
        return None if form["RoleArn"] == ROLE else Fault("AccessDenied")

    def _credentials(self) -> str:
        ends = datetime.now(UTC) + self.lifetime
        number = len(self.asked)
        return (
            f'<AssumeRoleResponse xmlns="{_NAMESPACE}"><AssumeRoleResult><Credentials>'
            f"<AccessKeyId>ASIAOFSESSION{number:07}</AccessKeyId>"
            f"<SecretAccessKey>secret-of-session-{number}</SecretAccessKey>"
            f"<SessionToken>token-of-session-{number}</SessionToken>"
            f"<Expiration>{ends.isoformat()}</Expiration>"
            "</Credentials></AssumeRoleResult></AssumeRoleResponse>"
        )


@asynccontextmanager
async def running_fake_sts() -> AsyncIterator[FakeSts]:
    sts = FakeSts()
    app = web.Application()
    app.router.add_post("/", sts.answer)
    async with TestServer(app) as server:
        sts.url = str(server.make_url("")).rstrip("/")
        yield sts
        sts.released.set()


def _caller(request: web.Request) -> str:
    """Read who signed from the credential scope of SigV4."""
    _, _, rest = request.headers["Authorization"].partition("Credential=")
    return rest.partition("/")[0]


def _error(code: str) -> str:
    return (
        f'<ErrorResponse xmlns="{_NAMESPACE}"><Error><Type>Sender</Type>'
        f"<Code>{code}</Code><Message>No.</Message></Error>"
        "<RequestId>1</RequestId></ErrorResponse>"
    )


def _xml(body: str, *, status: int = 200) -> web.Response:
    return web.Response(text=body, status=status, content_type="text/xml")
