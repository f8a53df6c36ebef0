"""Taking a leased credential's secrets out, for the moment in which they are sent."""

from shared.aws_signature import AwsKeys
from shared.contracts.credentials import LeasedCredential
from shared.errors import UnavailableError

__all__ = ["api_key_of", "aws_keys_of"]


def api_key_of(credential: LeasedCredential) -> str:
    """Give the key as it is sent. Raises `UnavailableError` without one."""
    if "api_key" not in credential.fields:
        raise UnavailableError("The provider has no key; its operator must set one.")
    return credential.fields["api_key"].get_secret_value()


def aws_keys_of(credential: LeasedCredential) -> AwsKeys:
    """Give the keys to sign with. Raises `UnavailableError` without them."""
    fields = credential.fields
    if not {"aws_access_key_id", "aws_secret_access_key"} <= fields.keys():
        raise UnavailableError("The provider has no keys; its operator must set them.")
    token = fields.get("aws_session_token")
    return AwsKeys(
        access_key_id=fields["aws_access_key_id"].get_secret_value(),
        secret_access_key=fields["aws_secret_access_key"].get_secret_value(),
        session_token=None if token is None else token.get_secret_value(),
    )
