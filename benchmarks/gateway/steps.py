"""What our own steps of `GET` of one object cost: `benchmarks/gateway/steps.py`.

Each runs alone and warm, without a socket; the best of many repeats is shown, which a
busy machine disturbs least. What they leave of the time on the core that
`one_object.py` prints is aiohttp's, nats-py's, the event loop's and the kernel's.
"""

import hashlib
import os
from collections.abc import Callable
from datetime import UTC, datetime
from timeit import repeat

import structlog
from aiohttp.test_utils import make_mocked_request
from structlog.contextvars import bound_contextvars

from gateway.access.permissions import Permission, Role
from gateway.access.principals import Principal
from gateway.access.rate_limits import RateLimits
from gateway.measuring import Measurements
from gateway.routing.reading import Input, query_of
from shared.clock import utc_now
from shared.contracts.credentials import (
    CredentialState,
    Provider,
    ProviderLimits,
    ProviderQuestion,
    ProviderStatus,
    ProviderType,
)
from shared.http import reply_json
from shared.ids import new_id
from shared.logs import set_up_logs

_TIMES = 1_000
_REPEATS = 50
_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
_WHO = Principal(org_id=new_id(), kind="api_key", id=new_id(), role=Role.OWNER)
_PROVIDER = Provider(
    id=new_id(),
    name="one",
    type=ProviderType.OPENAI,
    use_case=None,
    labels={},
    base_url="https://api.openai.com/v1",
    limits=ProviderLimits(),
    enabled=True,
    status=ProviderStatus.READY,
    credential=CredentialState(version=1, hint="…mark", expires_at=None, missing=[]),
    version=1,
    created_at=_NOON,
    updated_at=_NOON,
)


def main() -> None:
    set_up_logs("gateway", level="warning")
    steps = [(name, microseconds(step)) for name, step in steps_of_a_get()]
    for name, each in [*steps, ("all of them", sum(each for _, each in steps))]:
        print(f"{name:<44}{each:>8.1f} µs")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def microseconds(step: Callable[[], object]) -> float:
    return min(repeat(step, number=_TIMES, repeat=_REPEATS)) / _TIMES * 1e6


def steps_of_a_get() -> list[tuple[str, Callable[[], object]]]:
    request = make_mocked_request("GET", f"/api/providers/{_PROVIDER.id}")
    limits = RateLimits(per_minute=1_000_000_000, now=utc_now)
    measurements = Measurements()
    answer = _PROVIDER.model_dump_json().encode()
    log = structlog.get_logger(__name__)

    def name_request() -> None:
        with bound_contextvars(request_id=str(new_id())):
            pass

    def question() -> bytes:
        asked = ProviderQuestion(
            org_id=_WHO.org_id, actor=_WHO.actor, provider_id=_PROVIDER.id
        )
        return asked.model_dump_json().encode()

    return [
        ("name the request", name_request),
        ("hash the key", hashlib.sha256(b"cust_" + b"k" * 40).digest),
        ("may it?", lambda: _WHO.require(Permission.PROVIDERS_READ)),
        ("count it against the allowance", lambda: limits.spend(_WHO.id)),
        ("read the query", lambda: query_of(request, Input)),
        ("write the question", question),
        ("read the answer", lambda: Provider.model_validate_json(answer)),
        ("write the reply", lambda: reply_json(_PROVIDER)),
        ("measure it", lambda: measurements.end(measurements.begin(), request, 200)),
        ("log it, at level warning", lambda: log.info("request.answered", status=200)),
    ]


if __name__ == "__main__":
    main()
