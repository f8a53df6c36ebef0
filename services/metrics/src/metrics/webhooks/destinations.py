"""Where webhooks may lead: the internet, and what the operator names besides. Pure."""

from collections.abc import Collection

from shared.addresses import AddressKind
from shared.errors import WebhookUrlForbiddenError
from shared.web_addresses import UrlInvalidError, WebAddress, web_address

__all__ = ["Destinations"]


class Destinations:
    """*private_hosts* are the hosts in private networks that may be reached.

    A name that resolves into a private network without being named is found out where
    the connection is made (`shared.guarded_http`).
    """

    def __init__(self, private_hosts: Collection[str]) -> None:
        self._private_hosts = frozenset(host.lower() for host in private_hosts)

    def may_be_private(self, url: str) -> bool:
        return web_address(url).host in self._private_hosts

    def require_allowed(self, origin: str) -> None:
        """Raise `WebhookUrlForbiddenError` for an origin no webhook may have."""
        address = _address(origin)
        if address.kind is AddressKind.FORBIDDEN:
            raise _forbidden(
                "A webhook may not lead to a link-local, metadata or reserved address, "
                "and writes an IPv4 address as four decimal numbers."
            )
        if not address.is_for_http:
            raise _forbidden(
                "The URL's port is another protocol's; a webhook's is 80, 443 or one "
                "from 1024."
            )
        if address.host in self._private_hosts:
            return
        if address.kind is AddressKind.PRIVATE:
            raise _forbidden(
                "A webhook may not lead into a private network; the setting "
                "AG2TRUST_PRIVATE_WEBHOOK_HOSTS names hosts that it may."
            )
        if address.scheme != "https":
            raise _forbidden("The URL of a webhook must start with https://.")


def _address(origin: str) -> WebAddress:
    try:
        return web_address(origin)
    except UrlInvalidError as error:
        raise _forbidden(f"The URL {error}.") from error


def _forbidden(sentence: str) -> WebhookUrlForbiddenError:
    return WebhookUrlForbiddenError.of_fields(sentence, {"url": sentence})
