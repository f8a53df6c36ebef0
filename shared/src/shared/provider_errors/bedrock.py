"""The errors of Bedrock's runtime.

Sources: the service model bedrock-runtime/2023-09-30 of botocore 1.44, and the user
guide, "Troubleshooting Amazon Bedrock API error codes". Inside a stream the same names
begin in lower case.
"""

import re

from .aws import CREDENTIAL_ERRORS
from .meanings import (
    ACCESS_DENIED,
    CONFLICT,
    CONTENT_FILTERED,
    CONTEXT_TOO_LONG,
    INVALID_CREDENTIALS,
    INVALID_REQUEST,
    MODEL_NOT_AVAILABLE,
    OVERLOADED,
    PROVIDER_ERROR,
    QUOTA_EXHAUSTED,
    RATE_LIMITED,
    REQUEST_TOO_LARGE,
    TIMEOUT,
    told,
)
from .rows import ErrorRow, Meaning

__all__ = ["BEDROCK_ERRORS"]

BEDROCK_ERRORS = (
    ErrorRow(
        (404,),
        ("FTUFormNotFilled",),
        form_required := Meaning(
            "MODEL_ACCESS_FORM_REQUIRED",
            "The AWS account has not submitted Anthropic's use-case form.",
            "Submit it once, in the Bedrock console under Model catalog.",
        ),
    ),
    ErrorRow(
        (404,),
        ("ResourceNotFoundException",),
        form_required,
        says=re.compile(r"use case details have not been submitted", re.IGNORECASE),
    ),
    ErrorRow(
        (403,),
        ("MPAgreementBeingCreated",),
        Meaning(
            "MODEL_ACCESS_PENDING",
            "AWS Marketplace is still subscribing the account to the model.",
            "Wait about 15 minutes.",
            retryable=True,
        ),
    ),
    ErrorRow(
        (403,),
        ("AccessDeniedException",),
        told(
            ACCESS_DENIED,
            cause="IAM or an organization's policy denies the model, the model is not"
            " enabled in the region, or the Bedrock API key is wrong or expired.",
            fix="Allow it in the provider's IAM policy, enable the model, check the"
            " region and the key.",
        ),
    ),
    ErrorRow(
        (400,),
        ("ValidationException",),
        Meaning(
            "INFERENCE_PROFILE_REQUIRED",
            "The model is not served on demand under its bare id.",
            "Name an inference profile of the model, such as us.…, eu.… or global.…",
        ),
        says=re.compile(r"on-demand throughput isn.t supported", re.IGNORECASE),
    ),
    ErrorRow(
        (400,),
        ("ValidationException",),
        CONTEXT_TOO_LONG,
        says=re.compile(
            r"(input|prompt) is too long|too many input tokens|exceed context limit",
            re.IGNORECASE,
        ),
    ),
    ErrorRow(
        (400,),
        ("ValidationException",),
        told(
            MODEL_NOT_AVAILABLE,
            cause="Bedrock knows no model of this id.",
            fix="Choose a model id that Bedrock lists for the provider's region.",
        ),
        says=re.compile(r"model identifier is invalid", re.IGNORECASE),
    ),
    ErrorRow(
        (400,),
        ("ValidationException",),
        CONTENT_FILTERED,
        says=re.compile(r"content (filter|polic)", re.IGNORECASE),
    ),
    ErrorRow((400,), ("ValidationException",), INVALID_REQUEST),
    ErrorRow(
        (404,),
        ("ResourceNotFoundException",),
        told(
            MODEL_NOT_AVAILABLE,
            cause="The region has no such model, it was retired, or the ARN is wrong.",
            fix="Choose another model, or a provider of another region.",
        ),
    ),
    ErrorRow(
        (400,),
        ("ServiceQuotaExceededException",),
        told(
            QUOTA_EXHAUSTED,
            cause="A quota of the AWS account is used up.",
            fix="Have the quota raised in AWS's Service Quotas.",
        ),
    ),
    ErrorRow((400,), ("ConflictException",), CONFLICT),
    ErrorRow((408,), ("ModelTimeoutException",), TIMEOUT),
    ErrorRow(
        (424,),
        ("ModelErrorException", "ModelStreamErrorException"),
        told(
            PROVIDER_ERROR,
            cause="The model failed on this request.",
            fix="Try again once, or give the agent type a fallback.",
        ),
    ),
    ErrorRow(
        (429,),
        ("ThrottlingException",),
        told(
            RATE_LIMITED,
            cause="The account's requests or tokens per minute or day are used up.",
            fix="Reduce the load, use a cross-region inference profile, or have the"
            " quota raised.",
        ),
    ),
    ErrorRow(
        (429,),
        ("ModelNotReadyException",),
        Meaning(
            "MODEL_NOT_READY",
            "A custom, imported or provisioned model is still being loaded.",
            "Try again in a few minutes.",
            retryable=True,
        ),
    ),
    ErrorRow((500,), ("InternalServerException",), PROVIDER_ERROR),
    ErrorRow(
        (503,),
        ("ServiceUnavailableException",),
        told(
            OVERLOADED,
            cause="The region has no capacity left; it is no quota of the account.",
            fix="Try again, or use another region or a cross-region profile.",
        ),
    ),
    ErrorRow(
        (529,),
        ("overloaded_error",),
        told(OVERLOADED, cause="The model has no capacity left."),
    ),
    ErrorRow(
        (400,),
        ("RequestExpired", "NotAuthorized", "InvalidAction"),
        told(
            INVALID_CREDENTIALS,
            cause="The signature is too old, or the action not allowed.",
            fix="Check the clock of the runner and the provider's base URL.",
        ),
    ),
    *CREDENTIAL_ERRORS,
    ErrorRow((400, 422), (), INVALID_REQUEST),
    ErrorRow((401, 403), (), ACCESS_DENIED),
    ErrorRow((404,), (), MODEL_NOT_AVAILABLE),
    ErrorRow((408, 504), (), TIMEOUT),
    ErrorRow((413,), (), REQUEST_TOO_LARGE),
    ErrorRow((429,), (), RATE_LIMITED),
    ErrorRow((503, 529), (), OVERLOADED),
    ErrorRow((424, 500, 502), (), PROVIDER_ERROR),
)
"""The first row that fits is the one."""
