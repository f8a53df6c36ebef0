"""What an operator asks of a provider itself, through any runner: one call, a list.

The answer to a call says why it failed. A question is worth asking twice at most: the
first half of its deadline is longer than a runner takes for it.
"""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from .base import Bytes, Endpoint, Explanation, Message, Page, Question, Service

__all__ = [
    "LIST_LIVE_MODELS",
    "PROBE_PROVIDER",
    "PROBE_SUBMISSION",
    "ListLiveModels",
    "LiveModel",
    "LiveModels",
    "ProbeProvider",
    "ProbeResult",
    "ProbeSubmission",
    "ProbedModel",
    "Region",
]

ProbedModel = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2048)
]

Region = Annotated[
    str, StringConstraints(pattern=r"^[a-z]{2,4}(-[a-z]{1,12}){1,2}-[0-9]{1,2}$")
]
"""What AWS's regions look like, so that none can lead out of its domain."""


class ProbeProvider(Question):
    """Have one cheap call made to a provider.

    With a *model* it is asked for a token or a few. Without one a list is read, which
    is free; Bedrock is asked for a model that agents use, or must be told one.
    *rotation_id* names a secret that is staged, to be tried in place of the one in use.
    """

    provider_id: UUID
    model: ProbedModel | None = None
    rotation_id: UUID | None = None


class ProbeSubmission(Question):
    """The same for a provider that is not kept.

    *sealed* is a `ProviderSubmission` to the credentials service, under
    `submission_binding` of *provider_id*.
    """

    provider_id: UUID
    sealed: Bytes
    model: ProbedModel | None = None


class ProbeResult(Message):
    """How the call went; *latency_ms* is None if there was none to make."""

    ok: bool
    latency_ms: int | None = None
    explanation: Explanation | None = None


class ListLiveModels(Question):
    """Ask for the models that a provider lists; *region* is one of Bedrock's."""

    provider_id: UUID
    region: Region | None = None


class LiveModel(Message):
    """A model as its provider lists it; what that does not say is None or empty.

    *status* is the provider's own word, such as `ACTIVE` or `LEGACY`. Of Bedrock
    *is_on_demand* says whether the id itself can be called, and an inference profile
    names the *regions* in which its calls may be answered.
    """

    id: str
    name: str | None = None
    owner: str | None = None
    created_at: AwareDatetime | None = None
    status: str | None = None
    input_modalities: list[str] = Field(default_factory=list)
    output_modalities: list[str] = Field(default_factory=list)
    is_on_demand: bool | None = None
    regions: list[str] = Field(default_factory=list)


class LiveModels(Page[LiveModel]):
    """All models at once, in the provider's order; a list over 1 MB is cut.

    *region* is the one that Bedrock was asked in. *explanation* says why the inference
    profiles are missing, whose listing is a permission of its own.
    """

    region: str | None = None
    explanation: Explanation | None = None


_GATEWAY = frozenset({Service.GATEWAY})
_ONE_CALL = timedelta(seconds=60)

PROBE_PROVIDER = Endpoint(
    "agent_runner.v1.probe_provider",
    ProbeProvider,
    ProbeResult,
    askers=_GATEWAY,
    deadline=_ONE_CALL,
)
PROBE_SUBMISSION = Endpoint(
    "agent_runner.v1.probe_submission",
    ProbeSubmission,
    ProbeResult,
    askers=_GATEWAY,
    deadline=_ONE_CALL,
)
LIST_LIVE_MODELS = Endpoint(
    "agent_runner.v1.list_live_models",
    ListLiveModels,
    LiveModels,
    askers=_GATEWAY,
    deadline=_ONE_CALL,
)
