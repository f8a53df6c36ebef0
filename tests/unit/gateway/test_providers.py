import json

import pytest
from aiohttp import ClientSession
from pydantic import JsonValue
from structlog.typing import EventDict

from shared.contracts.base import Empty, Page
from shared.contracts.credentials import (
    CREATE_PROVIDER,
    DELETE_PROVIDER,
    GET_PROVIDER,
    LIST_PROVIDERS,
    UPDATE_PROVIDER,
    ProviderPatch,
    ProviderSubmission,
    submission_binding,
)
from shared.errors import (
    NameTakenError,
    PreconditionFailedError,
    ProviderIncompleteError,
    ProviderInUseError,
    ProviderNotFoundError,
)
from shared.identity import Identity
from shared.sealing import SealBrokenError

from .fakes import Neighbours
from .objects import ELSEWHERE, ORGANIZATION, PROVIDER, SOME_ID

SECRET = "sk-canary-4f1c"
SUBMISSION = {"name": "OpenAI Production", "type": "openai", "api_key": SECRET}
ONE = f"/api/providers/{SOME_ID}"


async def test_a_provider_is_created_and_told_without_its_secret(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(CREATE_PROVIDER, PROVIDER)

    async with client.post("/api/providers", json=SUBMISSION) as response:
        body = await response.json()

    assert response.status == 201
    assert response.headers["Location"] == f"/api/providers/{SOME_ID}"
    assert response.headers["ETag"] == '"3"'
    assert body["credential"] == {
        "version": 1,
        "hint": "…abcd",
        "expires_at": None,
        "missing": [],
        "fields": ["api_key"],
    }
    assert body["created_at"] == "2026-01-01T12:00:00Z"


async def test_the_submission_opens_with_the_credentials_identity_and_its_binding(
    client: ClientSession, neighbours: Neighbours, credentials: Identity
) -> None:
    neighbours.answer(CREATE_PROVIDER, PROVIDER)

    async with client.post("/api/providers", json=SUBMISSION):
        question = neighbours.question(CREATE_PROVIDER)

    opened = credentials.sealing_key.open(
        question.sealed, info=submission_binding(ORGANIZATION, question.provider_id)
    )
    submission = ProviderSubmission.model_validate_json(opened)
    assert submission.api_key is not None
    assert submission.api_key.get_secret_value() == SECRET
    assert question.org_id == ORGANIZATION
    for organization, provider in (
        (ELSEWHERE, question.provider_id),
        (ORGANIZATION, SOME_ID),
    ):
        with pytest.raises(SealBrokenError):
            credentials.sealing_key.open(
                question.sealed, info=submission_binding(organization, provider)
            )
    with pytest.raises(SealBrokenError):
        Identity.generate().sealing_key.open(
            question.sealed, info=submission_binding(ORGANIZATION, question.provider_id)
        )


async def test_every_field_of_a_bedrock_provider_goes_into_the_seal(
    client: ClientSession, neighbours: Neighbours, credentials: Identity
) -> None:
    neighbours.answer(CREATE_PROVIDER, PROVIDER)
    given = {
        "name": "Bedrock Production",
        "type": "bedrock",
        "base_url": "https://vpce.example",
        "aws_region": "us-east-1",
        "aws_role_arn": "arn:aws:iam::123456789012:role/bedrock",
        "aws_access_key_id": "ASIAIOSFODNN7EXAMPLE",
        "aws_secret_access_key": SECRET,
        "aws_session_token": "token",
        "aws_session_expires_at": "2026-01-01T12:00:00Z",
        "allow_incomplete": True,
    }

    async with client.post("/api/providers", json=given) as response:
        assert response.status == 201

    question = neighbours.question(CREATE_PROVIDER)
    opened = credentials.sealing_key.open(
        question.sealed, info=submission_binding(ORGANIZATION, question.provider_id)
    )
    sealed = json.loads(opened)
    assert {name: sealed[name] for name in given} == given


async def test_what_is_missing_is_named(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(
        CREATE_PROVIDER,
        ProviderIncompleteError("Incomplete.", details={"missing": ["aws_region"]}),
    )

    async with client.post("/api/providers", json=SUBMISSION) as response:
        body = await response.json()

    assert response.status == 422
    assert body["error_code"] == "PROVIDER_INCOMPLETE"
    assert body["details"]["missing"] == ["aws_region"]


async def test_the_secret_crosses_the_bus_only_sealed(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(CREATE_PROVIDER, PROVIDER)
    neighbours.answer(UPDATE_PROVIDER, PROVIDER)

    async with client.post("/api/providers", json=SUBMISSION):
        pass
    async with client.patch(ONE, json={"api_key": SECRET}):
        pass

    asked = [question.model_dump_json() for _, question in neighbours.asked]
    assert len(asked) == 2
    assert not any(SECRET in question for question in asked)


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(SUBMISSION),
        json.dumps({**SUBMISSION, "api_key": [SECRET]}),
        json.dumps({**SUBMISSION, "name": 5}),
        json.dumps({**SUBMISSION, "type": SECRET, "base_url": SECRET * 500}),
        json.dumps(SUBMISSION)[:-1],
    ],
)
async def test_the_secret_is_in_no_log_and_no_error(
    client: ClientSession,
    neighbours: Neighbours,
    logged: list[EventDict],
    body: str,
) -> None:
    neighbours.answer(CREATE_PROVIDER, NameTakenError("The name is taken."))

    async with client.post("/api/providers", data=body) as response:
        told = await response.text()

    assert response.status >= 400
    assert SECRET not in told
    assert SECRET not in str(logged)


async def test_providers_are_listed(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(LIST_PROVIDERS, Page(data=[PROVIDER], next_cursor="next"))

    async with client.get("/api/providers?limit=1&cursor=here") as response:
        body = await response.json()

    assert [provider["id"] for provider in body["data"]] == [str(SOME_ID)]
    assert body["next_cursor"] == "next"
    question = neighbours.question(LIST_PROVIDERS)
    assert (question.limit, question.cursor) == (1, "here")


async def test_a_provider_is_shown_bare_with_its_version(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(GET_PROVIDER, PROVIDER)

    async with client.get(ONE) as response:
        body = await response.json()

    assert response.headers["ETag"] == '"3"'
    assert body["name"] == "OpenAI Production"
    assert neighbours.question(GET_PROVIDER).provider_id == SOME_ID


async def test_a_patch_says_what_changes_and_nothing_else(
    client: ClientSession, neighbours: Neighbours, credentials: Identity
) -> None:
    neighbours.answer(UPDATE_PROVIDER, PROVIDER)

    async with client.patch(ONE, json={"enabled": False, "use_case": None}) as response:
        assert response.status == 200

    question = neighbours.question(UPDATE_PROVIDER)
    opened = credentials.sealing_key.open(
        question.sealed, info=submission_binding(ORGANIZATION, SOME_ID)
    )
    assert json.loads(opened) == {"enabled": False, "use_case": None}
    assert ProviderPatch.model_validate_json(opened).model_fields_set == {
        "enabled",
        "use_case",
    }


async def test_a_session_is_renewed_by_a_patch_with_its_end(
    client: ClientSession, neighbours: Neighbours, credentials: Identity
) -> None:
    neighbours.answer(UPDATE_PROVIDER, PROVIDER)
    given = {
        "aws_session_token": SECRET,
        "aws_session_expires_at": "2026-01-01T12:00:00Z",
        "aws_role_arn": None,
    }

    async with client.patch(ONE, json=given) as response:
        assert response.status == 200

    question = neighbours.question(UPDATE_PROVIDER)
    opened = credentials.sealing_key.open(
        question.sealed, info=submission_binding(ORGANIZATION, SOME_ID)
    )
    assert json.loads(opened) == given


@pytest.mark.parametrize(
    ("header", "version"),
    [
        (None, None),
        ("*", None),
        ('"3"', 3),
        (' "3" ', 3),
        ('W/"3"', 0),
        ('"3", "4"', 0),
        ('"03"', 0),
        ('"99999999999999999999"', 0),
    ],
)
async def test_if_match_becomes_the_version_that_is_changed(
    client: ClientSession,
    neighbours: Neighbours,
    header: str | None,
    version: int | None,
) -> None:
    neighbours.answer(UPDATE_PROVIDER, PROVIDER)
    headers = {"If-Match": header} if header else {}

    async with client.patch(ONE, json={}, headers=headers) as response:
        assert response.status == 200

    assert neighbours.question(UPDATE_PROVIDER).if_version == version


async def test_a_version_that_has_moved_on_is_a_failed_precondition(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(UPDATE_PROVIDER, PreconditionFailedError("It has changed."))

    async with client.patch(ONE, json={}, headers={"If-Match": '"2"'}) as response:
        body = await response.json()

    assert response.status == 412
    assert body["error_code"] == "PRECONDITION_FAILED"


async def test_a_provider_is_deleted(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(DELETE_PROVIDER, Empty())

    async with client.delete(ONE) as response:
        assert response.status == 204
        assert await response.read() == b""

    assert neighbours.question(DELETE_PROVIDER).provider_id == SOME_ID


async def test_a_provider_in_use_is_not_deleted_and_its_agents_are_named(
    client: ClientSession, neighbours: Neighbours
) -> None:
    agents: dict[str, JsonValue] = {"agents": [{"id": str(SOME_ID), "name": "ada"}]}
    neighbours.answer(DELETE_PROVIDER, ProviderInUseError("In use.", details=agents))

    async with client.delete(ONE) as response:
        body = await response.json()

    assert response.status == 409
    assert body["error_code"] == "PROVIDER_IN_USE"
    assert body["details"] == agents


async def test_what_belongs_to_another_organization_is_not_found(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(GET_PROVIDER, ProviderNotFoundError("There is no such provider."))

    async with client.get(ONE) as response:
        body = await response.json()

    assert response.status == 404
    assert body["error_code"] == "PROVIDER_NOT_FOUND"
    assert neighbours.question(GET_PROVIDER).org_id == ORGANIZATION
