"""Base URLs of providers: one spelling, an origin, and where they may point.

Written here is what can be said of a URL without resolving its host; the address that
a host resolves to is checked by the runner when it connects.
"""

from urllib.parse import unquote

from shared.addresses import AddressKind
from shared.errors import BaseUrlForbiddenError, InvalidError
from shared.web_addresses import UrlInvalidError, WebAddress, web_address

__all__ = ["normalise", "origin_of"]


def normalise(text: str, *, allow_private: bool) -> str:
    """Return the one spelling of *text*: lower-case host, no default port or last "/".

    Raises `InvalidError` for what is not such a URL, `BaseUrlForbiddenError` for one
    that points where no provider may be. Plain http needs *allow_private*.
    """
    address = _address(text)
    _require_allowed(address.kind, allow_private=allow_private)
    if address.scheme == "http" and not allow_private:
        raise _invalid("must start with https://")
    return f"{address.origin}{_path(address.path)}"


def origin_of(base_url: str) -> str:
    """Return scheme, host and port of a normalised URL."""
    return "/".join(base_url.split("/", 3)[:3])


def _address(text: str) -> WebAddress:
    try:
        address = web_address(text)
    except UrlInvalidError as error:
        raise _invalid(str(error)) from error
    if address.query is not None:
        raise _invalid("must not have a query")
    return address


def _require_allowed(kind: AddressKind, *, allow_private: bool) -> None:
    if kind is AddressKind.FORBIDDEN:
        raise _forbidden(
            "A base URL may not point to a link-local, metadata or reserved address, "
            "and writes an IPv4 address as four decimal numbers."
        )
    if kind is AddressKind.PRIVATE and not allow_private:
        raise _forbidden(
            "A base URL may not point into a private network; the setting "
            "AG2TRUST_CREDENTIALS_ALLOW_PRIVATE_BASE_URLS permits it."
        )


def _path(path: str) -> str:
    segments = unquote(path).split("/")
    if "." in segments or ".." in segments:
        raise _invalid('must not hold "." or ".." in its path')
    return path.rstrip("/")


def _invalid(message: str) -> InvalidError:
    return InvalidError.of_fields(f"The base URL {message}.", {"base_url": message})


def _forbidden(sentence: str) -> BaseUrlForbiddenError:
    return BaseUrlForbiddenError.of_fields(sentence, {"base_url": sentence})
