"""URLs of MCP servers: one spelling, and where they may point. Pure.

Written here is what can be said of a URL without resolving its host; the address that
a host resolves to is checked by the runner when it connects.
"""

from shared.addresses import AddressKind
from shared.errors import McpUrlForbiddenError
from shared.web_addresses import UrlInvalidError, WebAddress, web_address

__all__ = ["normalised"]


def normalised(text: str) -> str:
    """Return the one spelling of *text*; raises `McpUrlForbiddenError`.

    Plain http is for a host that is known to be in a private network, which runners
    reach only where their deployment allows it.
    """
    address = _address(text)
    if address.kind is AddressKind.FORBIDDEN:
        raise _forbidden(
            "An MCP server may not be at a link-local, metadata or reserved address, "
            "and its URL writes an IPv4 address as four decimal numbers."
        )
    if not address.is_for_http:
        raise _forbidden(
            "The URL's port is another protocol's; an MCP server's is 80, 443 or one "
            "from 1024."
        )
    if address.query is not None:
        raise _forbidden("The URL must not have a query; a token has its own field.")
    if address.scheme != "https" and address.kind is not AddressKind.PRIVATE:
        raise _forbidden("The URL of an MCP server must start with https://.")
    return address.url


def _address(text: str) -> WebAddress:
    try:
        return web_address(text)
    except UrlInvalidError as error:
        raise _forbidden(f"The URL {error}.") from error


def _forbidden(sentence: str) -> McpUrlForbiddenError:
    return McpUrlForbiddenError.of_fields(sentence, {"url": sentence})
