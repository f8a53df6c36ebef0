"""The errors of AWS's credentials, of STS and of KMS.

Sources: AWS, "Common error types"; the service models sts/2011-06-15 and kms/2014-11-01
of botocore 1.44. STS and IAM give older names to what the other services report.
"""

from .meanings import (
    ACCESS_DENIED,
    CREDENTIALS_EXPIRED,
    INVALID_CREDENTIALS,
    RATE_LIMITED,
    told,
)
from .rows import ErrorRow, Meaning

__all__ = ["CREDENTIAL_ERRORS", "KMS_ERRORS", "STS_ERRORS"]

CREDENTIAL_ERRORS = (
    ErrorRow(
        (403,),
        ("UnrecognizedClientException", "InvalidClientTokenId"),
        told(
            INVALID_CREDENTIALS,
            cause="AWS does not know the access key id, or its session token is"
            " missing or wrong.",
            fix="Check the access key id; one that begins with ASIA needs its session"
            " token.",
        ),
    ),
    ErrorRow(
        (403,),
        ("InvalidSignatureException", "SignatureDoesNotMatch"),
        told(
            INVALID_CREDENTIALS,
            cause="The secret access key is wrong, or the clock is off by minutes.",
            fix="Check the secret access key, and the clock of the runner.",
        ),
    ),
    ErrorRow(
        (403, 400), ("ExpiredTokenException", "ExpiredToken"), CREDENTIALS_EXPIRED
    ),
    ErrorRow(
        (400, 403),
        (
            "IncompleteSignatureException",
            "IncompleteSignature",
            "MissingAuthenticationTokenException",
            "MissingAuthenticationToken",
        ),
        told(
            INVALID_CREDENTIALS,
            cause="The request came to AWS without a whole signature.",
            fix="Check the base URL: something on the way may remove the header.",
        ),
    ),
)

STS_ERRORS = (
    *CREDENTIAL_ERRORS,
    ErrorRow(
        (403,),
        ("AccessDenied", "AccessDeniedException"),
        told(
            ACCESS_DENIED,
            cause="A policy, the role's trust policy, its external id or its MFA does"
            " not let this caller assume the role.",
            fix="Let the trust policy name the caller and the external id.",
        ),
    ),
    ErrorRow(
        (400,),
        ("MalformedPolicyDocument", "PackedPolicyTooLarge"),
        Meaning(
            "INVALID_CONFIGURATION",
            "The session policy is malformed or too long.",
            "Shorten it.",
        ),
    ),
    ErrorRow(
        (403,),
        ("RegionDisabledException",),
        Meaning(
            "INVALID_CONFIGURATION",
            "STS is not active in the region.",
            "Activate it in the account's settings, or choose another region.",
        ),
    ),
    ErrorRow(
        (400,),
        ("ValidationError",),
        Meaning(
            "INVALID_CONFIGURATION",
            "A parameter is not accepted; the session may be longer than the role's"
            " maximum.",
            "Check the role's ARN, and its maximum session duration.",
        ),
    ),
    ErrorRow((400, 429), ("Throttling", "ThrottlingException"), RATE_LIMITED),
)

KMS_ERRORS = (
    *CREDENTIAL_ERRORS,
    ErrorRow(
        (400, 403),
        ("AccessDeniedException",),
        told(
            ACCESS_DENIED,
            cause="The key's policy or an IAM policy does not allow this caller.",
            fix="Allow the action on the key.",
        ),
    ),
    ErrorRow(
        (400,),
        (
            "NotFoundException",
            "DisabledException",
            "KMSInvalidStateException",
            "InvalidKeyUsageException",
            "IncorrectKeyException",
            "InvalidCiphertextException",
            "InvalidGrantTokenException",
            "DryRunOperationException",
        ),
        Meaning(
            "KMS_KEY_UNUSABLE",
            "The key is missing, disabled, about to be deleted, or not the one.",
            "Restore or enable the key.",
        ),
    ),
    ErrorRow(
        (500,),
        (
            "KeyUnavailableException",
            "DependencyTimeoutException",
            "KMSInternalException",
        ),
        Meaning(
            "KMS_UNAVAILABLE",
            "AWS KMS failed for the moment.",
            "Try again.",
            retryable=True,
        ),
    ),
    ErrorRow((400,), ("LimitExceededException", "ThrottlingException"), RATE_LIMITED),
)
