"""A master key in AWS KMS: this module alone asks it.

KMS makes each data key under an alias and returns it plain and wrapped; the pairs of
the context are its encryption context, which KMS writes to CloudTrail as they are. The
ARN of the key that wrapped is stored. To unwrap, that ARN must be among the allowed
ones, and is named to KMS, so that no row can send us to a key of somebody else's.

To rewrap, KMS is asked to `ReEncrypt`: the data key stays what it was, and never leaves
KMS in plaintext. Permissions: `kms:DescribeKey`, `GenerateDataKey`, `Encrypt`,
`Decrypt`, `ReEncryptFrom` and `ReEncryptTo`. Source of operations and errors: the
service model kms/2014-11-01 of botocore.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import structlog
from aiobotocore.config import AioConfig
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigParseError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.parsers import ResponseParserError

from credentials.aws_session import aws_session
from credentials.envelope import Binding
from shared.errors import (
    CredentialTamperedError,
    CredentialUnreadableError,
    CredentialWrongKeyError,
    MasterKeyUnavailableError,
)
from shared.timeouts import timeout

from .circuit_breaker import CircuitBreaker, CircuitOpenError
from .master_key import DataKey, WrappedKey

__all__ = ["AwsMasterKey", "KmsKey", "connect_aws_master_key"]

log = structlog.get_logger(__name__)

_CONNECT_SECONDS = 1
_READ_SECONDS = 2
_ATTEMPTS = 3
_WITHIN = timedelta(seconds=4)  # below a question's 5 s: it is we who say why
_AT_ONCE = 20
_BREAKER_FAILURES = 5
_BREAKER_PAUSE = timedelta(seconds=10)
_RETRY_SOON_SECONDS = 5.0
_RETRY_LATER_SECONDS = 30.0
_SERVER_ERROR = 500

_UNKNOWN = "Unknown"
_TAMPERED = frozenset({"InvalidCiphertextException"})
_WRONG_KEY = frozenset({"IncorrectKeyException", "NotFoundException"})

# Errors that pass by themselves; whatever has another name passes when somebody acts.
_PASSING = frozenset(
    {
        "DependencyTimeoutException",
        "KMSInternalException",
        "KeyUnavailableException",
        "LimitExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailableException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_BUSY = "AWS KMS is busy, or throttles this account."
_CREDENTIALS_REFUSED = "AWS does not accept the credentials of this service."
_SENTENCES = {
    "AccessDeniedException": "AWS KMS does not let this service use the master key.",
    "DisabledException": "The master key is disabled in AWS KMS.",
    "ExpiredTokenException": _CREDENTIALS_REFUSED,
    "IncompleteSignatureException": _CREDENTIALS_REFUSED,
    "InvalidSignatureException": _CREDENTIALS_REFUSED,
    "KMSInvalidStateException": (
        "The master key is pending deletion in AWS KMS, or not ready for use."
    ),
    "MissingAuthenticationTokenException": _CREDENTIALS_REFUSED,
    "NotFoundException": "AWS KMS has no master key under the configured alias.",
    "UnrecognizedClientException": _CREDENTIALS_REFUSED,
}


@dataclass(frozen=True, slots=True)
class KmsKey:
    """Which key of KMS is the master key.

    *alias* (`alias/…`) wraps. What it points to must be among *arns*, unless there are
    none; those and the *retired_arns* may unwrap.
    """

    alias: str
    region: str
    endpoint_url: str | None = None
    arns: frozenset[str] = frozenset()
    retired_arns: frozenset[str] = frozenset()


@asynccontextmanager
async def connect_aws_master_key(
    key: KmsKey, *, within: timedelta = _WITHIN
) -> AsyncIterator["AwsMasterKey"]:
    """Open a client with the credentials that the SDK finds around the process.

    Whatever is asked is answered, or given up, *within* that time. Raises
    `MasterKeyUnavailableError` if a file of AWS's tools is not as they write it.
    """
    config = AioConfig(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        max_pool_connections=_AT_ONCE,
    )
    async with AsyncExitStack() as stack:
        try:
            session = aws_session(region=key.region)
            client = await stack.enter_async_context(
                session.client("kms", endpoint_url=key.endpoint_url, config=config)
            )
        except ConfigParseError as error:
            path = error.kwargs["path"]
            raise _unavailable(
                "This service has no credentials of AWS: the file "
                f"{path} is not as AWS's tools write it."
            ) from error
        yield AwsMasterKey(client, key, within=within)


class _Client(Protocol):
    """What we use of aiobotocore's KMS client, which brings no types."""

    async def describe_key(self, **parameters: Any) -> Mapping[str, Any]: ...
    async def generate_data_key(self, **parameters: Any) -> Mapping[str, Any]: ...
    async def encrypt(self, **parameters: Any) -> Mapping[str, Any]: ...
    async def decrypt(self, **parameters: Any) -> Mapping[str, Any]: ...
    async def re_encrypt(self, **parameters: Any) -> Mapping[str, Any]: ...


class AwsMasterKey:
    """Asks KMS a bounded number of questions at once, each for a bounded time."""

    def __init__(self, client: _Client, key: KmsKey, *, within: timedelta) -> None:
        self._client = client
        self._key = key
        self._within_seconds = within.total_seconds()
        self._pointed_at: str | None = None
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._breaker = CircuitBreaker(failures=_BREAKER_FAILURES, pause=_BREAKER_PAUSE)

    async def current_key_id(self) -> str:
        reply = await self._ask(self._client.describe_key, KeyId=self._key.alias)
        return self._required(reply["KeyMetadata"]["Arn"])

    async def generate_data_key(self, context: Binding) -> DataKey:
        reply = await self._ask(
            self._client.generate_data_key,
            KeyId=self._key.alias,
            KeySpec="AES_256",
            EncryptionContext=context.pairs(),
        )
        return DataKey(reply["Plaintext"], self._wrapped(reply))

    async def wrap(self, data_key: bytes, context: Binding) -> WrappedKey:
        reply = await self._ask(
            self._client.encrypt,
            KeyId=self._key.alias,
            Plaintext=data_key,
            EncryptionContext=context.pairs(),
        )
        return self._wrapped(reply)

    async def unwrap(self, wrapped: WrappedKey, context: Binding) -> bytes:
        reply = await self._ask_about(
            wrapped,
            context,
            self._client.decrypt,
            KeyId=wrapped.key_id,
            EncryptionContext=context.pairs(),
        )
        plaintext: bytes = reply["Plaintext"]
        return plaintext

    async def rewrap(self, wrapped: WrappedKey, context: Binding) -> WrappedKey:
        reply = await self._ask_about(
            wrapped,
            context,
            self._client.re_encrypt,
            SourceKeyId=wrapped.key_id,
            SourceEncryptionContext=context.pairs(),
            DestinationKeyId=self._key.alias,
            DestinationEncryptionContext=context.pairs(),
        )
        return self._wrapped(reply)

    def _wrapped(self, reply: Mapping[str, Any]) -> WrappedKey:
        return WrappedKey(reply["CiphertextBlob"], self._required(reply["KeyId"]))

    def _required(self, arn: str) -> str:
        """Take note of what the alias points to; refuse a key that nobody named."""
        if self._key.arns and arn not in self._key.arns:
            raise MasterKeyUnavailableError(
                f"{self._key.alias} points to {arn}, which is none of the ARNs that "
                "the master key may have.",
                retry_after_seconds=_RETRY_LATER_SECONDS,
            )
        self._pointed_at = arn
        return arn

    async def _ask_about(
        self,
        wrapped: WrappedKey,
        context: Binding,
        operation: "_Operation",
        **parameters: Any,
    ) -> Mapping[str, Any]:
        """Ask about what a key of ours wrapped: a refusal may be about the row."""
        if not await self._is_allowed(wrapped.key_id):
            raise CredentialWrongKeyError(
                f"The data key of {context.owner} is wrapped by the "
                f"master key {wrapped.key_id}, which this service may not use."
            )
        try:
            return await self._ask(
                operation, CiphertextBlob=wrapped.wrapped, **parameters
            )
        except _RefusedError as refused:
            error = _about_the_row(refused.reason, wrapped, context)
            if error is None:
                raise
            raise error from refused

    async def _is_allowed(self, arn: str) -> bool:
        if arn in self._key.retired_arns | self._key.arns:
            return True
        if self._key.arns:
            return False
        return arn == self._pointed_at or arn == await self.current_key_id()

    async def _ask(
        self, operation: "_Operation", **parameters: Any
    ) -> Mapping[str, Any]:
        """Raise `_RefusedError` with KMS's reason, else `MasterKeyUnavailableError`."""
        try:
            self._breaker.admit()
        except CircuitOpenError as error:
            raise _unavailable(
                "AWS KMS has just failed several times, so it is not asked right now.",
                retry_after_seconds=error.seconds_left,
            ) from error
        try:
            async with timeout(self._within_seconds), self._slots:
                reply = await operation(**parameters)
        except ClientError as error:
            raise self._refused(error) from error
        except (NoCredentialsError, PartialCredentialsError) as error:
            raise _unavailable(_without_credentials()) from error
        except (BotoCoreError, ResponseParserError, TimeoutError) as error:
            self._breaker.failed()
            log.warning("kms.not_reached", error=type(error).__name__)
            raise _unavailable(
                "AWS KMS does not answer.", retry_after_seconds=_RETRY_SOON_SECONDS
            ) from error
        self._breaker.succeeded()
        return reply

    def _refused(self, error: ClientError) -> "_RefusedError":
        """Read the name of the refusal; its text may hold more than is to be told."""
        reason = str(error.response.get("Error", {}).get("Code", _UNKNOWN))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        log.warning("kms.refused", operation=error.operation_name, reason=reason)
        if reason in _PASSING or status >= _SERVER_ERROR:
            self._breaker.failed()
            return _RefusedError(reason, _BUSY, retry_after_seconds=_RETRY_SOON_SECONDS)
        self._breaker.succeeded()
        return _RefusedError(
            reason,
            _SENTENCES.get(reason, f"AWS KMS refuses the master key ({reason})."),
            retry_after_seconds=_RETRY_LATER_SECONDS,
        )

    def __repr__(self) -> str:
        return f"AwsMasterKey({self._key.alias})"


_Operation: TypeAlias = Callable[..., Awaitable[Mapping[str, Any]]]


class _RefusedError(MasterKeyUnavailableError):
    """KMS answered no; *reason* is its own name for why."""

    def __init__(
        self, reason: str, message: str, *, retry_after_seconds: float
    ) -> None:
        super().__init__(message, retry_after_seconds=retry_after_seconds)
        self.reason = reason


def _about_the_row(
    reason: str, wrapped: WrappedKey, context: Binding
) -> CredentialUnreadableError | None:
    """Return what a refusal says of the row; None if it is about KMS."""
    if reason in _TAMPERED:
        return CredentialTamperedError(
            f"The data key of {context.owner}, or what it is bound to, "
            "was changed since it was wrapped."
        )
    if reason in _WRONG_KEY:
        return CredentialWrongKeyError(
            f"The data key of {context.owner} was not wrapped by the "
            f"master key {wrapped.key_id}, or AWS KMS has that key no more."
        )
    return None


def _without_credentials() -> str:
    """Say why the SDK found none: it passes over a file that it cannot read."""
    named = os.environ.get("AWS_SHARED_CREDENTIALS_FILE")
    if named is not None:
        try:
            Path(named).open("rb").close()
        except FileNotFoundError:
            pass
        except OSError:
            return (
                "This service has no credentials of AWS: it cannot read the file that "
                "AWS_SHARED_CREDENTIALS_FILE names."
            )
    return "This service has no credentials of AWS."


def _unavailable(
    message: str, *, retry_after_seconds: float = _RETRY_LATER_SECONDS
) -> MasterKeyUnavailableError:
    return MasterKeyUnavailableError(message, retry_after_seconds=retry_after_seconds)
