"""Taking a leased credential's secrets out, for the moment in which they are sent."""

from shared.contracts.credentials import LeasedCredential
from shared.errors import UnavailableError

__all__ = ["api_key_of"]


def api_key_of(credential: LeasedCredential) -> str:
    """Give the key as it is sent. Raises `UnavailableError` without one."""
    if "api_key" not in credential.fields:
        raise UnavailableError("The provider has no key; its operator must set one.")
    return credential.fields["api_key"].get_secret_value()
