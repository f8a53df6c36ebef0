"""A provider under a lease: what it answers, and why it does not."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from itertools import takewhile
from typing import TypeVar

from agent_runner.http.client import Client
from agent_runner.masking import SecretMask
from shared.clock import Clock
from shared.contracts.credentials import LeasedCredential, ProviderType
from shared.contracts.probes import LiveModel
from shared.provider_errors.explaining import explain
from shared.provider_errors.on_the_way import NOT_UNDERSTOOD, TIMED_OUT
from shared.provider_errors.reading import failure_in
from shared.provider_errors.rows import ErrorSource
from shared.timeouts import timeout

from .answers import (
    ModelPage,
    NotUnderstoodError,
    models_in,
    profiles_in,
    require_answer,
)
from .calling import CallFailedError, ProviderAnswer, answer_to
from .requests import ProbeRequest, models_request, profiles_request, trial_call

__all__ = ["LiveProvider"]

ReadT = TypeVar("ReadT")

_LISTED_WITHIN = timedelta(seconds=9)
_MOST_PAGES = 20
_MOST_MODELS = 2000
# Of all lists together: they are one answer, and a message of the bus has 1 MiB.
_MOST_BYTES = 1_000_000


class LiveProvider:
    """Every method raises `CallFailedError`, whose explanation tells no secret."""

    def __init__(
        self,
        client: Client,
        credential: LeasedCredential,
        *,
        now: Clock,
        listed_within: timedelta = _LISTED_WITHIN,
    ) -> None:
        self._client = client
        self._credential = credential
        self._type = credential.type
        secrets = [each.get_secret_value() for each in credential.fields.values()]
        self._mask = SecretMask(secrets)
        self._now = now
        self._listed_within = listed_within
        self._room_bytes = _MOST_BYTES

    async def latency_ms(self, model: str | None) -> int:
        """Make the cheapest call; return how long the whole answer took."""
        request = trial_call(self._credential, model=model, now=self._now())
        answer = await self._answered(request)
        if model is None:
            _understood(answer, lambda body: models_in(self._type, body))
        else:
            _understood(answer, lambda body: require_answer(self._type, body))
        return answer.latency_ms

    async def models(self, region: str | None) -> list[LiveModel]:
        """List what the provider lists, of Bedrock the foundation models."""

        def request(after: str | None) -> ProbeRequest:
            return models_request(
                self._credential, region=region, after=after, now=self._now()
            )

        return await self._all(request, lambda body: models_in(self._type, body))

    async def profiles(self, region: str | None) -> list[LiveModel]:
        """List Bedrock's inference profiles; other types have none."""
        if self._type is not ProviderType.BEDROCK:
            return []

        def request(after: str | None) -> ProbeRequest:
            return profiles_request(
                self._credential, region=region, after=after, now=self._now()
            )

        return await self._all(request, profiles_in)

    async def _all(
        self,
        request: Callable[[str | None], ProbeRequest],
        read: Callable[[bytes], ModelPage],
    ) -> list[LiveModel]:
        """Read all pages; a list that takes too long fails.

        A list without end is cut, and one that is longer than an answer can be.
        """
        models: list[LiveModel] = []
        try:
            async with timeout(self._listed_within.total_seconds()):
                async for page in self._pages(request, read):
                    models += page.models
        except TimeoutError as error:
            latency_ms = round(self._listed_within.total_seconds() * 1000)
            raise CallFailedError(TIMED_OUT, latency_ms=latency_ms) from error
        return [*takewhile(self._has_room, models[:_MOST_MODELS])]

    def _has_room(self, model: LiveModel) -> bool:
        self._room_bytes -= len(model.model_dump_json().encode()) + 1
        return self._room_bytes >= 0

    async def _pages(
        self,
        request: Callable[[str | None], ProbeRequest],
        read: Callable[[bytes], ModelPage],
    ) -> AsyncIterator[ModelPage]:
        after: str | None = None
        for _ in range(_MOST_PAGES):
            page = _understood(await self._answered(request(after)), read)
            yield page
            after = page.after
            if after is None:
                return

    async def _answered(self, request: ProbeRequest) -> ProviderAnswer:
        answer = await answer_to(self._client, request)
        if not answer.is_refusal:
            return answer
        source = ErrorSource(self._type)
        failure = failure_in(
            source, status=answer.status, headers=answer.headers, body=answer.body
        )
        raise CallFailedError(
            explain(source, failure, hide=self._mask.hide), latency_ms=answer.latency_ms
        )


def _understood(answer: ProviderAnswer, read: Callable[[bytes], ReadT]) -> ReadT:
    try:
        return read(answer.body)
    except NotUnderstoodError:
        raise CallFailedError(NOT_UNDERSTOOD, latency_ms=answer.latency_ms) from None
