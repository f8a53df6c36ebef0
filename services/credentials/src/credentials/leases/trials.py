"""Providers on trial: checked as if they were to be kept, and kept nowhere."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from credentials.providers.configuration import Configuration
from credentials.providers.external_ids import external_id_of
from credentials.providers.planning import Planner
from credentials.providers.submissions import Submissions
from credentials.repositories.leases import LeasableProvider
from shared.contracts.credentials import (
    LeaseRequest,
    ProviderSubmission,
    ProviderType,
    submission_binding,
)
from shared.database import Transaction

__all__ = ["Trial", "Trials"]

_NO_VERSION = 0


@dataclass(frozen=True, slots=True)
class Trial:
    """A provider as it was submitted, with its secrets in the clear."""

    provider: LeasableProvider
    secrets: Mapping[str, SecretStr]


class Trials:
    def __init__(self, submissions: Submissions, planner: Planner) -> None:
        self._submissions = submissions
        self._planner = planner

    async def opened(self, transaction: Transaction, request: LeaseRequest) -> Trial:
        """Open what was submitted; raises as the creation of the provider would.

        What is missing is missed whatever the submission says: without it nothing can
        be tried.
        """
        submission = self._submissions.opened(
            request.submission or b"",
            ProviderSubmission,
            binding=submission_binding(request.org_id, request.provider_id),
        )
        configuration, secrets = self._planner.trial(submission)
        provider = await _leasable(transaction, request, submission.type, configuration)
        return Trial(provider, secrets)


async def _leasable(
    transaction: Transaction,
    request: LeaseRequest,
    provider_type: ProviderType,
    configuration: Configuration,
) -> LeasableProvider:
    external_id = None
    if configuration.aws_role_arn is not None:
        external_id = await external_id_of(transaction, request.org_id)
    return LeasableProvider(
        org_id=request.org_id,
        id=request.provider_id,
        type=provider_type,
        name=configuration.name,
        use_case=configuration.use_case,
        labels=configuration.labels,
        base_url=configuration.base_url,
        aws_region=configuration.aws_region,
        aws_role_arn=configuration.aws_role_arn,
        external_id=external_id,
        missing=[],
        expires_at=configuration.aws_session_expires_at,
        enabled=configuration.enabled,
        credential_version=_NO_VERSION,
        limits=configuration.limits,
        version=0,
    )
