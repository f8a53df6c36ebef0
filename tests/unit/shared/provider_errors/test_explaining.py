from itertools import chain

import pytest

from shared.contracts.base import Explanation
from shared.contracts.credentials import ProviderType
from shared.provider_errors.explaining import ERROR_TABLE, explain, meaning_of
from shared.provider_errors.rows import ErrorRow, ErrorSource, Failure

OPENAI, ANTHROPIC, BEDROCK, STS, KMS = ErrorSource

KEY = "sk-a-key-0123456789"
SAID = (
    "",
    "You must be a member of an organization to use the API",
    "IP not authorized",
    "prompt is too long: 210000 tokens > 200000 maximum",
    "You have reached your specified API usage limits.",
    "Output blocked by content filtering policy",
    "Model use case details have not been submitted for this account.",
    "Invocation of model x with on-demand throughput isn\u2019t supported.",
    "The provided model identifier is invalid.",
)
ROWS = [
    pytest.param(source, row, id=f"{source}-{'/'.join(row.names) or row.statuses}")
    for source, rows in ERROR_TABLE.items()
    for row in rows
]


def explained(*names: str, status: int = 400, message: str = "Why.") -> Explanation:
    failure = Failure(status, names, message)
    return explain(OPENAI, failure, hide=lambda text: text.replace(KEY, "[secret]"))


@pytest.mark.parametrize(
    ("source", "failure", "code", "is_retryable"),
    [
        (OPENAI, Failure(400), "INVALID_REQUEST", False),
        (OPENAI, Failure(400, ("unsupported_parameter",)), "INVALID_REQUEST", False),
        (OPENAI, Failure(400, ("context_length_exceeded",)), "CONTEXT_TOO_LONG", False),
        (OPENAI, Failure(400, ("invalid_prompt",)), "CONTENT_FILTERED", False),
        (OPENAI, Failure(400, ("bio_policy",)), "CONTENT_FILTERED", False),
        (OPENAI, Failure(401, ("invalid_api_key",)), "INVALID_API_KEY", False),
        (OPENAI, Failure(401, ("invalid_request_error",)), "INVALID_API_KEY", False),
        (OPENAI, Failure(401, (), "IP not authorized"), "PERMISSION_DENIED", False),
        (OPENAI, Failure(402), "QUOTA_EXHAUSTED", False),
        (
            OPENAI,
            Failure(403, ("unsupported_country_region_territory",)),
            "PERMISSION_DENIED",
            False,
        ),
        (OPENAI, Failure(403, ("model_not_found",)), "MODEL_NOT_AVAILABLE", False),
        (OPENAI, Failure(404, ("model_not_found",)), "MODEL_NOT_AVAILABLE", False),
        (OPENAI, Failure(404, ("invalid_request_error",)), "NOT_FOUND", False),
        (OPENAI, Failure(408), "TIMEOUT", True),
        (OPENAI, Failure(409), "CONFLICT", True),
        (OPENAI, Failure(413), "REQUEST_TOO_LARGE", False),
        (OPENAI, Failure(418), "INVALID_REQUEST", False),
        (OPENAI, Failure(422), "INVALID_REQUEST", False),
        (OPENAI, Failure(429, ("rate_limit_exceeded",)), "RATE_LIMITED", True),
        (OPENAI, Failure(429, ("slow_down",)), "RATE_LIMITED", True),
        (
            OPENAI,
            Failure(429, ("credit_balance_exhausted", "insufficient_quota")),
            "QUOTA_EXHAUSTED",
            False,
        ),
        (
            OPENAI,
            Failure(429, ("project_spend_limit_exceeded",)),
            "QUOTA_EXHAUSTED",
            False,
        ),
        (OPENAI, Failure(500, ("server_error",)), "PROVIDER_ERROR", True),
        (OPENAI, Failure(502), "PROVIDER_ERROR", True),
        (OPENAI, Failure(503, ("server_is_overloaded",)), "OVERLOADED", True),
        (OPENAI, Failure(504), "TIMEOUT", True),
        (OPENAI, Failure(529), "OVERLOADED", True),
        (OPENAI, Failure(599), "PROVIDER_ERROR", True),
        (OPENAI, Failure(200, ("server_is_overloaded",)), "OVERLOADED", True),
        (OPENAI, Failure(200, ("vector_store_timeout",)), "TIMEOUT", True),
        (OPENAI, Failure(200, ("invalid_request_error",)), "INVALID_REQUEST", False),
        (OPENAI, Failure(200), "PROVIDER_ERROR", True),
        (ANTHROPIC, Failure(400, ("invalid_request_error",)), "INVALID_REQUEST", False),
        (
            ANTHROPIC,
            Failure(
                400,
                ("invalid_request_error",),
                "prompt is too long: 210000 tokens > 200000 maximum",
            ),
            "CONTEXT_TOO_LONG",
            False,
        ),
        (
            ANTHROPIC,
            Failure(
                400,
                ("invalid_request_error",),
                "You have reached your specified API usage limits.",
            ),
            "QUOTA_EXHAUSTED",
            False,
        ),
        (
            ANTHROPIC,
            Failure(
                400,
                ("invalid_request_error",),
                "Output blocked by content filtering policy",
            ),
            "CONTENT_FILTERED",
            False,
        ),
        (
            ANTHROPIC,
            Failure(400, ("organization_on_hold", "invalid_request_error")),
            "ACCOUNT_DISABLED",
            False,
        ),
        (ANTHROPIC, Failure(401, ("authentication_error",)), "INVALID_API_KEY", False),
        (ANTHROPIC, Failure(402, ("billing_error",)), "QUOTA_EXHAUSTED", False),
        (ANTHROPIC, Failure(403, ("permission_error",)), "PERMISSION_DENIED", False),
        (ANTHROPIC, Failure(404, ("not_found_error",)), "MODEL_NOT_AVAILABLE", False),
        (
            ANTHROPIC,
            Failure(404, ("file_expired", "not_found_error")),
            "NOT_FOUND",
            False,
        ),
        (ANTHROPIC, Failure(409, ("conflict_error",)), "CONFLICT", True),
        (ANTHROPIC, Failure(413), "REQUEST_TOO_LARGE", False),
        (ANTHROPIC, Failure(429, ("rate_limit_error",)), "RATE_LIMITED", True),
        (
            ANTHROPIC,
            Failure(429, ("ramp_limit_exceeded", "rate_limit_error")),
            "RATE_LIMITED",
            True,
        ),
        (
            ANTHROPIC,
            Failure(429, ("enforced_spend_limit_reached", "rate_limit_error")),
            "QUOTA_EXHAUSTED",
            False,
        ),
        (ANTHROPIC, Failure(500, ("api_error",)), "PROVIDER_ERROR", True),
        (
            ANTHROPIC,
            Failure(503, ("cmek_key_unreachable", "api_error")),
            "PROVIDER_ERROR",
            True,
        ),
        (ANTHROPIC, Failure(504, ("timeout_error",)), "TIMEOUT", True),
        (
            ANTHROPIC,
            Failure(529, ("compaction_unavailable", "overloaded_error")),
            "OVERLOADED",
            True,
        ),
        (ANTHROPIC, Failure(200, ("overloaded_error",)), "OVERLOADED", True),
        (BEDROCK, Failure(403, ("AccessDeniedException",)), "ACCESS_DENIED", False),
        (BEDROCK, Failure(400, ("ValidationException",)), "INVALID_REQUEST", False),
        (
            BEDROCK,
            Failure(
                400,
                ("ValidationException",),
                "Invocation of model x with on-demand throughput isn\u2019t supported.",
            ),
            "INFERENCE_PROFILE_REQUIRED",
            False,
        ),
        (
            BEDROCK,
            Failure(
                400,
                ("ValidationException",),
                "Input is too long for requested model.",
            ),
            "CONTEXT_TOO_LONG",
            False,
        ),
        (
            BEDROCK,
            Failure(404, ("ResourceNotFoundException",)),
            "MODEL_NOT_AVAILABLE",
            False,
        ),
        (
            BEDROCK,
            Failure(
                404,
                ("ResourceNotFoundException",),
                "Model use case details have not been submitted for this account.",
            ),
            "MODEL_ACCESS_FORM_REQUIRED",
            False,
        ),
        (
            BEDROCK,
            Failure(403, ("MPAgreementBeingCreated",)),
            "MODEL_ACCESS_PENDING",
            True,
        ),
        (
            BEDROCK,
            Failure(400, ("ServiceQuotaExceededException",)),
            "QUOTA_EXHAUSTED",
            False,
        ),
        (BEDROCK, Failure(408, ("ModelTimeoutException",)), "TIMEOUT", True),
        (BEDROCK, Failure(424, ("ModelErrorException",)), "PROVIDER_ERROR", True),
        (BEDROCK, Failure(200, ("ModelStreamErrorException",)), "PROVIDER_ERROR", True),
        (BEDROCK, Failure(429, ("ThrottlingException",)), "RATE_LIMITED", True),
        (BEDROCK, Failure(429, ("ModelNotReadyException",)), "MODEL_NOT_READY", True),
        (BEDROCK, Failure(500, ("InternalServerException",)), "PROVIDER_ERROR", True),
        (BEDROCK, Failure(503, ("ServiceUnavailableException",)), "OVERLOADED", True),
        (BEDROCK, Failure(529, ("overloaded_error",)), "OVERLOADED", True),
        (
            BEDROCK,
            Failure(403, ("UnrecognizedClientException",)),
            "INVALID_CREDENTIALS",
            False,
        ),
        (
            BEDROCK,
            Failure(403, ("InvalidSignatureException",)),
            "INVALID_CREDENTIALS",
            False,
        ),
        (
            BEDROCK,
            Failure(403, ("ExpiredTokenException",)),
            "CREDENTIALS_EXPIRED",
            False,
        ),
        (STS, Failure(400, ("ExpiredToken",)), "CREDENTIALS_EXPIRED", False),
        (STS, Failure(403, ("SignatureDoesNotMatch",)), "INVALID_CREDENTIALS", False),
        (STS, Failure(403, ("AccessDenied",)), "ACCESS_DENIED", False),
        (STS, Failure(400, ("PackedPolicyTooLarge",)), "INVALID_CONFIGURATION", False),
        (
            STS,
            Failure(403, ("RegionDisabledException",)),
            "INVALID_CONFIGURATION",
            False,
        ),
        (KMS, Failure(400, ("DisabledException",)), "KMS_KEY_UNUSABLE", False),
        (KMS, Failure(500, ("KMSInternalException",)), "KMS_UNAVAILABLE", True),
        (KMS, Failure(400, ("LimitExceededException",)), "RATE_LIMITED", True),
    ],
)
def test_a_failure_is_known_by_its_name_and_else_by_its_status(
    source: ErrorSource, failure: Failure, code: str, *, is_retryable: bool
) -> None:
    explanation = explain(source, failure)

    assert explanation.code == code
    assert explanation.retryable is is_retryable
    assert explanation.provider_error == next(iter(failure.names), None)
    assert explanation.cause
    assert explanation.fix


@pytest.mark.parametrize(("source", "row"), ROWS)
def test_no_row_is_hidden_by_one_before_it(source: ErrorSource, row: ErrorRow) -> None:
    said = next(each for each in SAID if row.says is None or row.says.search(each))

    for name in row.names or (None,):
        names = () if name is None else (name.replace("*", "x"),)
        for status in row.statuses:
            failure = Failure(status, names, said, row.param)
            assert meaning_of(source, failure) == row.meaning


@pytest.mark.parametrize("source", ErrorSource)
def test_a_code_is_retryable_or_not_whoever_reports_it(source: ErrorSource) -> None:
    codes = {
        row.meaning.code: row.meaning.retryable
        for row in chain.from_iterable(ERROR_TABLE.values())
    }

    for row in ERROR_TABLE[source]:
        assert row.meaning.retryable is codes[row.meaning.code]


def test_every_provider_type_is_a_source_of_errors() -> None:
    assert {ErrorSource(each.value) for each in ProviderType} <= set(ERROR_TABLE)


def test_the_first_name_is_the_providers() -> None:
    assert explained("", "x").provider_error is None
    assert explained("y", "x").provider_error == "y"


def test_without_a_message_the_status_is_told() -> None:
    assert explained(status=502, message="").message == "The provider answered 502."


def test_a_key_that_the_provider_repeats_is_hidden() -> None:
    explanation = explained(KEY, status=401, message=f"Incorrect key provided: {KEY}.")

    assert KEY not in explanation.model_dump_json()


def test_a_key_across_the_cut_is_hidden_whole() -> None:
    assert explained(message="x" * 395 + KEY).message == "x" * 395 + "[secr"


def test_what_a_terminal_or_a_database_would_choke_on_is_left_out() -> None:
    explanation = explained(message="a\0b\x1b[1mc\nd\ud800e\u202ef")

    assert explanation.message == "a b [1mc d e f"


def test_what_the_provider_says_is_cut() -> None:
    explanation = explained("c" * 10_000, message="é" * 10_000)

    assert len(explanation.message) == 400
    assert explanation.provider_error == "c" * 100
