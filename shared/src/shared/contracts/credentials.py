"""What the credentials service hears, answers and signals."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import (
    AwareDatetime,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from .base import (
    Actor,
    AuditEntry,
    Bytes,
    Empty,
    Endpoint,
    Instant,
    Labels,
    Message,
    Name,
    Page,
    PageQuestion,
    Patch,
    Question,
    Secret,
    Service,
    Signal,
    Signed,
    UseCase,
)
from .leasing import SealedLease, lease_binding_of, reply_purpose_of

__all__ = [
    "CLAIM_USES",
    "CREATE_PROVIDER",
    "DELETE_PROVIDER",
    "FIELDS_OF_TYPE",
    "GET_PROVIDER",
    "LEASE",
    "LEASE_PURPOSE",
    "LEASE_REPLY_PURPOSE",
    "LIST_AUDIT",
    "LIST_PROVIDERS",
    "PING",
    "PROVIDER_CHANGED",
    "RELEASE_USES",
    "UPDATE_PROVIDER",
    "ClaimUses",
    "CreateProvider",
    "CredentialState",
    "LeasePurpose",
    "LeaseRequest",
    "LeasedCredential",
    "Provider",
    "ProviderChanged",
    "ProviderLimits",
    "ProviderPatch",
    "ProviderQuestion",
    "ProviderStatus",
    "ProviderSubmission",
    "ProviderType",
    "ReleaseUses",
    "UpdateProvider",
    "foreign_field",
    "lease_binding",
    "submission_binding",
]


class ProviderType(StrEnum):
    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    BEDROCK = "bedrock"


class ProviderStatus(StrEnum):
    """Whether agents can work with it; with one that is not `ready` they ack only."""

    READY = "ready"
    INCOMPLETE = "incomplete"
    EXPIRED = "expired"


_AWS_FIELDS = frozenset(
    {
        "aws_access_key_id",
        "aws_region",
        "aws_role_arn",
        "aws_secret_access_key",
        "aws_session_expires_at",
        "aws_session_token",
    }
)

FIELDS_OF_TYPE = {
    ProviderType.OPENAI: frozenset({"api_key", "base_url"}),
    ProviderType.ANTHROPIC: frozenset({"api_key", "base_url"}),
    ProviderType.BEDROCK: frozenset({"api_key", "base_url"}) | _AWS_FIELDS,
}
"""The fields of a provider that not every type has."""


def foreign_field(provider_type: ProviderType, name: str) -> str | None:
    """Say why a provider of *provider_type* takes no field *name*; None if it does."""
    if name not in _AWS_FIELDS or name in FIELDS_OF_TYPE[provider_type]:
        return None
    return f"belongs to bedrock providers; this one is of type {provider_type}"


Limit = Annotated[int, Field(ge=0, le=1_000_000_000)]


class ProviderLimits(Message):
    """Limits towards one provider; None means unlimited."""

    requests_per_minute: Limit | None = None
    tokens_per_minute: Limit | None = None
    concurrent: Limit | None = None


class CredentialState(Message):
    """What may be told of a secret: never more than its last four characters.

    *fields* names what is kept sealed, *missing* what agents need before they work.
    """

    version: int
    hint: str | None = None
    expires_at: AwareDatetime | None = None
    missing: list[str] = Field(default_factory=list)
    fields: list[str] = Field(default_factory=list)


class Provider(Message):
    """A named configuration of one provider type, without its secret.

    *version* counts changes of the row and becomes its ETag;
    `credential.version` counts secrets. *base_url* is None as long as an incomplete
    Bedrock provider has neither one nor a region. *aws_external_id* is what the trust
    policy of a role must ask of us (`sts:ExternalId`): one for each organization. One
    that *is_retiring* takes no agents but those that use it already.
    """

    id: UUID
    name: str
    type: ProviderType
    use_case: str | None
    labels: dict[str, str]
    base_url: str | None
    aws_region: str | None = None
    aws_role_arn: str | None = None
    aws_external_id: str | None = None
    limits: ProviderLimits
    enabled: bool
    is_retiring: bool = False
    status: ProviderStatus
    credential: CredentialState
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime


SecretField = Annotated[Secret, Field(description="Trimmed; printable ASCII.")]
BaseUrl = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=8, max_length=2000)
]
AwsRegion = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=32)
]
AwsRoleArn = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=20, max_length=2048)
]


class ProviderSubmission(Message):
    """A new provider as its operator gives it; crosses the bus only sealed.

    *base_url* is what the official SDK takes: OpenAI with `/v1`, Anthropic without,
    Bedrock the runtime's `endpoint_url`. A Bedrock provider has a region and one of:
    a key pair (with a session token if it is temporary), an *api_key* (bearer), or an
    *aws_role_arn*, which a key pair may stand beside as the one that assumes it.
    """

    name: Name
    type: ProviderType
    use_case: UseCase | None = None
    labels: Labels = Field(default_factory=dict)
    base_url: BaseUrl | None = None
    api_key: SecretField | None = None
    aws_region: AwsRegion | None = None
    aws_role_arn: AwsRoleArn | None = None
    aws_access_key_id: SecretField | None = None
    aws_secret_access_key: SecretField | None = None
    aws_session_token: SecretField | None = None
    aws_session_expires_at: Instant | None = None
    limits: ProviderLimits = ProviderLimits()
    enabled: bool = True
    allow_incomplete: bool = False

    @field_validator(*sorted(_AWS_FIELDS))
    @classmethod
    def _of_its_type(cls, value: object, field: ValidationInfo) -> object:
        provider_type, name = field.data.get("type"), field.field_name
        if value is None or provider_type is None or name is None:
            return value
        if problem := foreign_field(provider_type, name):
            raise PydanticCustomError(
                "foreign_field", "{problem}", {"problem": problem}
            )
        return value


class ProviderPatch(Patch):
    """Changes to a provider; crosses the bus only sealed.

    *base_url* null is the provider type's own again; a null secret is removed. Secrets
    that are not named stay. *allow_incomplete* lets a change take away what is needed.
    """

    clearable = frozenset({"use_case", "base_url", "api_key"}) | _AWS_FIELDS

    name: Name | None = None
    use_case: UseCase | None = None
    labels: Labels | None = None
    base_url: BaseUrl | None = None
    api_key: SecretField | None = None
    aws_region: AwsRegion | None = None
    aws_role_arn: AwsRoleArn | None = None
    aws_access_key_id: SecretField | None = None
    aws_secret_access_key: SecretField | None = None
    aws_session_token: SecretField | None = None
    aws_session_expires_at: Instant | None = None
    limits: ProviderLimits | None = None
    enabled: bool | None = None
    allow_incomplete: bool = False


def submission_binding(org_id: UUID, provider_id: UUID) -> bytes:
    """Make the HPKE `info` of a submission: it opens for this provider only."""
    return f"ag2trust.v1.submission/{org_id}/{provider_id}".encode()


class CreateProvider(Question):
    """*sealed* is a `ProviderSubmission` under `submission_binding`."""

    provider_id: UUID
    sealed: Bytes


class UpdateProvider(Question):
    """*sealed* is a `ProviderPatch` under `submission_binding`.

    *if_version* refuses the change (412) when the row has moved on.
    """

    provider_id: UUID
    sealed: Bytes
    if_version: int | None = None


class ProviderQuestion(Question):
    provider_id: UUID


class ClaimUses(Question):
    """Agent *agent_id* is about to depend on *provider_ids* and *mcp_server_ids*.

    *generation* grows with every claim and release of one agent; one that was
    overtaken is refused, so a late message cannot undo a newer one.
    """

    agent_id: UUID
    agent_name: str
    provider_ids: list[UUID] = Field(min_length=1, max_length=20)
    mcp_server_ids: list[UUID] = Field(default_factory=list, max_length=40)
    generation: int = Field(ge=1)


class ReleaseUses(Question):
    """Agent *agent_id* has stopped and depends on nothing any more."""

    agent_id: UUID
    generation: int = Field(ge=1)


class LeasePurpose(StrEnum):
    """What a plaintext is for.

    `agent` is for the calls of an agent that uses the provider. The others are for one
    call that an operator asked for: `test` and `models` of a provider that is kept,
    `trial` of one that is not.
    """

    AGENT = "agent"
    TEST = "test"
    MODELS = "models"
    TRIAL = "trial"


class LeaseRequest(Message):
    """What a runner signs when it needs a plaintext.

    *public_key* is a fresh X25519 key the reply is sealed to; *nonce* is never
    used twice; *issued_at* may differ from our clock by 30 s at most.
    Of an agent's lease it says *agent_id*, of any other the *actor* who asked for it;
    of a trial also the *submission*, a `ProviderSubmission` under `submission_binding`,
    which comes back as a lease and is kept nowhere. A test may name the *rotation_id*
    of the staged secret that it is of.
    """

    runner: str
    epoch: int
    org_id: UUID
    agent_id: UUID | None = None
    provider_id: UUID
    purpose: LeasePurpose
    actor: Actor | None = None
    submission: Bytes | None = None
    rotation_id: UUID | None = None
    public_key: Bytes = Field(min_length=32, max_length=32)
    nonce: Bytes = Field(min_length=16, max_length=32)
    issued_at: AwareDatetime

    @model_validator(mode="after")
    def _says_what_its_purpose_needs(self) -> Self:
        is_agents = self.purpose is LeasePurpose.AGENT
        is_trial = self.purpose is LeasePurpose.TRIAL
        is_test = self.purpose is LeasePurpose.TEST
        if (
            (self.agent_id is None) is is_agents
            or (self.actor is None) is not is_agents
            or (self.submission is None) is is_trial
            or (self.rotation_id is not None and not is_test)
        ):
            raise PydanticCustomError("purpose", "Does not fit the purpose")
        return self


class LeasedCredential(Message):
    """The plaintext of a lease; exists only sealed and in the runner's memory.

    *fields* maps the provider type's field names (`api_key`) to their secrets. Those of
    an assumed role (*is_assumed*) are temporary keys and change with every refresh.
    *expires_at* is when they stop working, None if never. *version* is 0 on trial.
    *provider_version* counts changes of its row: newer *limits* have the say.
    """

    provider_id: UUID
    type: ProviderType
    name: str
    use_case: str | None
    labels: dict[str, str] = Field(default_factory=dict)
    base_url: str
    aws_region: str | None = None
    enabled: bool
    version: int
    fields: dict[str, Secret]
    expires_at: AwareDatetime | None = None
    is_assumed: bool = False
    limits: ProviderLimits = ProviderLimits()
    provider_version: int = 0


LEASE_PURPOSE = "credentials.v1.lease"
"""What a runner signs a `LeaseRequest` for (`shared.signing`)."""

LEASE_REPLY_PURPOSE = reply_purpose_of(LEASE_PURPOSE)
"""What the credentials service signs the request's body and the sealed reply for."""


def lease_binding(request_body: bytes) -> bytes:
    """Make the HPKE `info` of a provider's lease (`lease_binding_of`)."""
    return lease_binding_of(LEASE_PURPOSE, request_body)


class ProviderChanged(Message):
    org_id: UUID
    provider_id: UUID


_GATEWAY = frozenset({Service.GATEWAY})
_RUNNER = frozenset({Service.AGENT_RUNNER})

PING = Endpoint("credentials.v1.ping", Empty, Empty, askers=_GATEWAY)
CREATE_PROVIDER = Endpoint(
    "credentials.v1.create_provider", CreateProvider, Provider, askers=_GATEWAY
)
UPDATE_PROVIDER = Endpoint(
    "credentials.v1.update_provider", UpdateProvider, Provider, askers=_GATEWAY
)
DELETE_PROVIDER = Endpoint(
    "credentials.v1.delete_provider", ProviderQuestion, Empty, askers=_GATEWAY
)
LIST_PROVIDERS = Endpoint(
    "credentials.v1.list_providers",
    PageQuestion,
    Page[Provider],
    askers=_GATEWAY | {Service.METRICS},
)
GET_PROVIDER = Endpoint(
    "credentials.v1.get_provider",
    ProviderQuestion,
    Provider,
    askers=_GATEWAY | _RUNNER,
)
LIST_AUDIT = Endpoint(
    "credentials.v1.list_audit", PageQuestion, Page[AuditEntry], askers=_GATEWAY
)
CLAIM_USES = Endpoint("credentials.v1.claim_uses", ClaimUses, Empty, askers=_RUNNER)
RELEASE_USES = Endpoint(
    "credentials.v1.release_uses", ReleaseUses, Empty, askers=_RUNNER
)
LEASE = Endpoint(
    "credentials.v1.lease",
    Signed,
    SealedLease,
    askers=_RUNNER,
    deadline=timedelta(seconds=10),
)
PROVIDER_CHANGED = Signal(
    "credentials.v1.signals.provider_changed",
    ProviderChanged,
    sender=Service.CREDENTIALS,
    hearers=_RUNNER,
)
