"""AWS STS: assumes roles. This module alone asks it.

Source of operation and errors: the service model sts/2011-06-15 of botocore.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import aioboto3
import structlog
from aiobotocore.config import AioConfig
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.parsers import ResponseParserError
from pydantic import SecretStr

from credentials.aws_session import aws_session
from credentials.providers.readiness import no_ambient_identity, role_refused
from shared.clock import Clock, utc_now
from shared.errors import ProviderNotReadyError, StsUnavailableError
from shared.timeouts import timeout

from .role_sessions import Role, RoleSession

__all__ = ["AwsSts"]

log = structlog.get_logger(__name__)

_CONNECT_SECONDS = 1
_READ_SECONDS = 2
_ATTEMPTS = 2
_PATIENCE = timedelta(seconds=4)  # a question has 5 s: it is we who say why
_AT_ONCE = 10
_RETRY_AFTER_SECONDS = 5.0
_SERVER_ERROR = 500

# An hour is the most for a role that is assumed by another one ("role chaining").
_SESSION_SECONDS = 3600

# The parser of botocore raises the last three for XML that is no answer of STS.
_NO_ANSWER = (
    BotoCoreError,
    ResponseParserError,
    OSError,
    TimeoutError,
    KeyError,
    TypeError,
    ValueError,
)
_PASSING = frozenset(
    {
        "InternalFailure",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)


class AwsSts:
    """*endpoint_url* None is AWS's own, in the region of each provider.

    *allow_ambient*: what the SDK finds around this process may assume roles too.
    *patience* is how long one question may take, its second attempt included.
    """

    def __init__(
        self,
        *,
        endpoint_url: str | None,
        allow_ambient: bool,
        now: Clock = utc_now,
        patience: timedelta = _PATIENCE,
    ) -> None:
        self._patience = patience
        self._endpoint_url = endpoint_url
        self._allow_ambient = allow_ambient
        self._now = now
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._config = AioConfig(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        )

    @cached_property
    def _session(self) -> aioboto3.Session:
        return aws_session()  # not before somebody has a role

    async def assume(self, role: Role, source: Mapping[str, SecretStr]) -> RoleSession:
        if not (source or self._allow_ambient):
            raise no_ambient_identity(role.provider_name)
        asked_at = self._now()
        try:
            async with timeout(self._patience.total_seconds()), self._slots:
                reply = await self._asked(role, source)
        except ClientError as error:
            raise _refused(error, role) from None
        except (NoCredentialsError, PartialCredentialsError):
            raise _refused_as("NoCredentials", role) from None
        except _NO_ANSWER as error:
            log.warning("sts.not_reached", error=type(error).__name__)
            raise _unavailable("AWS STS does not answer.") from None
        log.info("role.assumed", provider=str(role.provider_id))
        return _session(reply, asked_at)

    async def _asked(
        self, role: Role, source: Mapping[str, SecretStr]
    ) -> Mapping[str, Any]:
        keys = {name: secret.get_secret_value() for name, secret in source.items()}
        async with self._session.client(
            "sts",
            region_name=role.region,
            endpoint_url=self._endpoint_url,
            config=self._config,
            **keys,
        ) as client:
            reply: Mapping[str, Any] = await client.assume_role(
                RoleArn=role.arn,
                RoleSessionName=f"ag2trust-{role.provider_id}",
                ExternalId=role.external_id,
                DurationSeconds=_SESSION_SECONDS,
            )
            return reply


def _session(reply: Mapping[str, Any], asked_at: datetime) -> RoleSession:
    """Read the answer; what is no answer may become one when asked again."""
    try:
        given = reply["Credentials"]
        return RoleSession(
            secrets={
                "aws_access_key_id": SecretStr(given["AccessKeyId"]),
                "aws_secret_access_key": SecretStr(given["SecretAccessKey"]),
                "aws_session_token": SecretStr(given["SessionToken"]),
            },
            obtained_at=asked_at,
            expires_at=given["Expiration"],
        )
    except (KeyError, TypeError):
        raise _unavailable("AWS STS gave an answer without credentials.") from None


def _refused(
    error: ClientError, role: Role
) -> ProviderNotReadyError | StsUnavailableError:
    """Read the name of the refusal alone: its text may repeat what was sent."""
    code = str(error.response.get("Error", {}).get("Code", "Unknown"))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    log.warning("sts.refused", reason=code, provider=str(role.provider_id))
    if code in _PASSING or status >= _SERVER_ERROR:
        return _unavailable("AWS STS is busy, or throttles this account.")
    return _refused_as(code, role)


def _refused_as(code: str, role: Role) -> ProviderNotReadyError:
    return role_refused(
        role.provider_name, sts_error=code, external_id=role.external_id
    )


def _unavailable(message: str) -> StsUnavailableError:
    return StsUnavailableError(message, retry_after_seconds=_RETRY_AFTER_SECONDS)
