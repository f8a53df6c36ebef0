"""The errors of Anthropic.

Sources: platform.claude.com, "Errors"; `anthropic` 2.12, `_error_classes.py`. A name is
the `error_code` in `error.details`, where there is one, or `error.type`.
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

__all__ = ["ANTHROPIC_ERRORS"]

_CUSTOMER_KEY = "The organization's own encryption key"

ANTHROPIC_ERRORS = (
    ErrorRow(
        (400,),
        ("image_dimensions_too_large",),
        told(
            INVALID_REQUEST,
            cause="An image has too many pixels.",
            fix="Scale the image down to the side length the message names.",
        ),
    ),
    ErrorRow(
        (400,),
        ("request_body_encoding_*",),
        told(
            INVALID_REQUEST,
            cause="The request's body is compressed in a way that is not accepted.",
            fix="Send the body uncompressed.",
        ),
    ),
    ErrorRow(
        (400,),
        ("organization_on_hold",),
        Meaning(
            "ACCOUNT_DISABLED",
            "Anthropic has disabled the organization.",
            "Appeal at the address in the provider's message.",
        ),
    ),
    ErrorRow(
        (400,),
        ("cmek_key_disabled", "cmek_key_network_blocked"),
        told(
            INVALID_REQUEST,
            cause=f"{_CUSTOMER_KEY} is disabled or cannot be reached.",
            fix="Enable the key, and let Anthropic reach it.",
        ),
    ),
    ErrorRow(
        (400,),
        (
            "tool_name_conflict",
            "tool_reference_unresolved",
            "available_tools_limit_exceeded",
        ),
        told(
            INVALID_REQUEST,
            cause="The request's tools contradict one another, or are too many.",
            fix="Correct the list of tools.",
        ),
    ),
    ErrorRow(
        (404,),
        ("file_expired", "thread_not_found"),
        told(
            NOT_FOUND,
            cause="The file or thread that the request names is gone.",
            fix="Name one that exists.",
        ),
    ),
    ErrorRow(
        (529,),
        ("compaction_unavailable",),
        told(OVERLOADED, cause="Compaction is overloaded."),
    ),
    ErrorRow((400,), ("thread_*", "compaction_*"), INVALID_REQUEST),
    ErrorRow(
        (402,),
        ("linked_organization_*", "billing_error"),
        told(
            QUOTA_EXHAUSTED,
            cause="The organization's billing does not work, or its limit is reached.",
            fix="Mend the billing in Anthropic's console.",
        ),
    ),
    ErrorRow(
        (403,),
        ("user_profile_*",),
        told(
            PERMISSION_DENIED,
            cause="The user profile of the request may not be billed.",
            fix="Correct the profile's billing in Anthropic's console.",
        ),
    ),
    ErrorRow(
        (403,),
        ("sandbox_egress_restricted",),
        told(
            PERMISSION_DENIED,
            cause="A hosted tool may not reach that host.",
            fix="Allow the host in Anthropic's console.",
        ),
    ),
    ErrorRow(
        (413,),
        ("request_body_too_large_after_decoding", "request_too_large"),
        told(REQUEST_TOO_LARGE, cause="The request is larger than 32 MB."),
    ),
    ErrorRow(
        (429,),
        ("enforced_spend_limit_reached", "contract_spend_limit_reached"),
        told(
            QUOTA_EXHAUSTED,
            cause="The monthly limit of the account's tier or contract is reached.",
            fix="Raise the tier, or wait until the month turns.",
        ),
    ),
    ErrorRow(
        (429,),
        ("ramp_limit_exceeded",),
        told(
            RATE_LIMITED,
            cause="The usage grew too fast.",
            fix="Wait as Retry-After says, then raise the load slowly.",
        ),
    ),
    ErrorRow(
        (503,),
        ("cmek_context_unavailable", "cmek_key_unreachable"),
        told(
            PROVIDER_ERROR,
            cause=f"{_CUSTOMER_KEY} could not be reached.",
            fix="Try again; check the key's availability.",
        ),
    ),
    ErrorRow(
        (400,),
        ("invalid_request_error",),
        CONTEXT_TOO_LONG,
        says=re.compile(r"prompt is too long|exceed context limit", re.IGNORECASE),
    ),
    ErrorRow(
        (400,),
        ("invalid_request_error",),
        told(
            QUOTA_EXHAUSTED,
            cause="A spend limit that you set yourself is reached, or no credit left.",
        ),
        says=re.compile(r"API usage limits|credit balance", re.IGNORECASE),
    ),
    ErrorRow(
        (400,),
        ("invalid_request_error",),
        CONTENT_FILTERED,
        says=re.compile(r"content (filter|polic)", re.IGNORECASE),
    ),
    ErrorRow((400,), ("invalid_request_error",), INVALID_REQUEST),
    ErrorRow((401,), ("authentication_error",), INVALID_API_KEY),
    ErrorRow((403,), ("permission_error",), PERMISSION_DENIED),
    ErrorRow(
        (404,),
        ("not_found_error",),
        told(
            MODEL_NOT_AVAILABLE,
            cause="The model is unknown or retired, or the base URL is wrong.",
            fix="Choose a model that is listed; the base URL does not end in /v1.",
        ),
    ),
    ErrorRow((409,), ("conflict_error",), CONFLICT),
    ErrorRow((429,), ("rate_limit_error",), RATE_LIMITED),
    ErrorRow((504,), ("timeout_error",), TIMEOUT),
    ErrorRow((529,), ("overloaded_error",), OVERLOADED),
    ErrorRow((500,), ("api_error",), PROVIDER_ERROR),
    ErrorRow((400, 422), (), INVALID_REQUEST),
    ErrorRow((401,), (), INVALID_API_KEY),
    ErrorRow((402,), (), QUOTA_EXHAUSTED),
    ErrorRow((403,), (), PERMISSION_DENIED),
    ErrorRow(
        (404,), (), told(NOT_FOUND, fix="Check the base URL; it has no /v1 at its end.")
    ),
    ErrorRow((408, 504), (), TIMEOUT),
    ErrorRow((409,), (), CONFLICT),
    ErrorRow((413,), (), REQUEST_TOO_LARGE),
    ErrorRow((429,), (), RATE_LIMITED),
    ErrorRow((503, 529), (), OVERLOADED),
    ErrorRow((500, 502), (), PROVIDER_ERROR),
)
"""The first row that fits is the one."""
