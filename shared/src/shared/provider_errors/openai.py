"""The errors of OpenAI, and of what speaks like it.

Sources: OpenAI's guide "Error codes" and its API reference; `openai` 3.54,
`types/responses/response_error.py`. For billing errors the `code` counts, for the
`type` may stay `insufficient_quota`.
"""

import re

from .meanings import (
    CONFLICT,
    CONTENT_FILTERED,
    CONTEXT_TOO_LONG,
    INVALID_API_KEY,
    INVALID_REQUEST,
    MODEL_NOT_AVAILABLE,
    NOT_FOUND,
    OVERLOADED,
    PERMISSION_DENIED,
    PROVIDER_ERROR,
    QUOTA_EXHAUSTED,
    RATE_LIMITED,
    REQUEST_TOO_LARGE,
    TIMEOUT,
    told,
)
from .rows import ErrorRow, Meaning

__all__ = ["OPENAI_ERRORS"]

OPENAI_ERRORS = (
    ErrorRow((400,), ("context_length_exceeded",), CONTEXT_TOO_LONG),
    ErrorRow(
        (400,),
        ("unsupported_parameter", "unsupported_value"),
        told(
            INVALID_REQUEST,
            cause="The model does not take a parameter or its value; reasoning models"
            " take neither max_tokens nor temperature.",
            fix="Send max_completion_tokens for max_tokens, and leave out the other.",
        ),
    ),
    ErrorRow(
        (400,),
        (
            "invalid_prompt",
            "content_policy_violation",
            "content_filter",  # Azure's word
            "bio_policy",
            "misalignment_policy_violation",
        ),
        CONTENT_FILTERED,
    ),
    ErrorRow(
        (400,),
        ("invalid_request_error",),
        told(
            INVALID_REQUEST,
            cause="The project may not use this service tier.",
            fix="Allow the tier in the project's settings, or ask for another.",
        ),
        param="service_tier",
    ),
    ErrorRow((400,), ("invalid_image*",), INVALID_REQUEST),
    ErrorRow(
        (400,),
        ("data_residency_mismatch",),
        Meaning(
            "INVALID_CONFIGURATION",
            "The project's data residency is not that of the host that was asked.",
            "Set the base URL to the host of the project's region.",
        ),
    ),
    ErrorRow((401,), ("invalid_api_key",), INVALID_API_KEY),
    ErrorRow(
        (403,),
        ("unsupported_country_region_territory",),
        told(
            PERMISSION_DENIED,
            cause="OpenAI does not serve the country or region of the caller.",
            fix="Let the runner call from a region that OpenAI supports.",
        ),
    ),
    ErrorRow(
        (403, 404),
        ("model_not_found",),
        told(
            MODEL_NOT_AVAILABLE,
            cause="The model is unknown, retired, or not open to the key's project.",
        ),
    ),
    ErrorRow(
        (429,),
        (
            "insufficient_quota",
            "credit_balance_exhausted",
            "organization_spend_limit_exceeded",
            "project_spend_limit_exceeded",
            "organization_usage_limit_exceeded",
        ),
        QUOTA_EXHAUSTED,
    ),
    ErrorRow(
        (429,),
        ("slow_down",),
        told(
            RATE_LIMITED,
            cause="The traffic grew too fast.",
            fix="Reduce the load, then raise it slowly.",
        ),
    ),
    ErrorRow(
        (429,),
        ("rate_limit_exceeded", "rate_limit_error", "requests", "tokens"),
        RATE_LIMITED,
    ),
    ErrorRow((503,), ("server_is_overloaded", "service_unavailable_error"), OVERLOADED),
    ErrorRow((500,), ("vector_store_timeout",), TIMEOUT),
    ErrorRow((500,), ("server_error",), PROVIDER_ERROR),
    ErrorRow((400, 422), (), INVALID_REQUEST),
    ErrorRow(
        (401,),
        (),
        told(
            INVALID_API_KEY,
            cause="The owner of the key is no member of an organization.",
            fix="Have the owner invited to one, or use another key.",
        ),
        says=re.compile(r"member of an organization", re.IGNORECASE),
    ),
    ErrorRow(
        (401,),
        (),
        told(
            PERMISSION_DENIED,
            cause="The project's list of IP addresses has not that of the runner.",
            fix="Add the runner's address to the list.",
        ),
        says=re.compile(r"IP (address )?(is )?not authorized", re.IGNORECASE),
    ),
    ErrorRow((401,), (), INVALID_API_KEY),
    ErrorRow((402,), (), QUOTA_EXHAUSTED),
    ErrorRow((403,), (), PERMISSION_DENIED),
    ErrorRow((404,), (), told(NOT_FOUND, fix="Check the base URL; it ends in /v1.")),
    ErrorRow((408, 504), (), TIMEOUT),
    ErrorRow((409,), (), CONFLICT),
    ErrorRow((413,), (), REQUEST_TOO_LARGE),
    ErrorRow((429,), (), RATE_LIMITED),
    ErrorRow((503, 529), (), OVERLOADED),
    ErrorRow((500, 502), (), PROVIDER_ERROR),
    # In a stream; elsewhere the status says more.
    ErrorRow((200,), ("invalid_request_error",), INVALID_REQUEST),
)
"""The first row that fits is the one."""
