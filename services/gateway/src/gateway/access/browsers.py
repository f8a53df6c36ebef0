"""What keeps other sites from using a browser that is logged in: cookie, origin, token.

`__Host-` binds the cookie to this host under TLS (RFC 6265bis, section 4.1.3); a plain
one is given on loopback alone, where there is no TLS. A change needs our own origin and
a token that only our pages can read (OWASP, "Cross-Site Request Forgery Prevention").
"""

import hmac
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from shared.errors import CrossSiteError, ForbiddenError

__all__ = ["CSRF_TOKEN", "Browsers", "csrf_token_of", "is_this_machine"]

CSRF_TOKEN = "X-CSRF-Token"  # noqa: S105 - the name of a header
_READING = frozenset({hdrs.METH_GET, hdrs.METH_HEAD})
_LASTING_SECONDS = 7 * 24 * 3600
_AWAY_SECONDS = 600
_SAME = frozenset({"same-origin", "none"})


def csrf_token_of(session_token: str) -> str:
    """Derive what a page sends with each change; it opens nothing by itself."""
    return hmac.digest(session_token.encode(), b"ag2trust.v1.csrf", "sha256").hex()


def is_this_machine(url: str) -> bool:
    """Tell whether the host of *url* is loopback, by name or by address."""
    host = ""
    with suppress(ValueError):  # no host, or one that is no address
        host = urlsplit(url).hostname or ""
        return ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")


@dataclass(frozen=True, slots=True)
class Browsers:
    """How browsers reach this gateway: at *public_url*, or at this machine alone."""

    public_url: str | None = None

    @property
    def is_secure(self) -> bool:
        return (self.public_url or "").startswith("https://")

    @property
    def cookie_name(self) -> str:
        return "__Host-ag2trust_session" if self.is_secure else "ag2trust_session"

    def token_in(self, request: web.Request) -> str | None:
        """Return what the cookie of a session holds."""
        return request.cookies.get(self.cookie_name)

    def cookie(self, token: str) -> str:
        """Return the `Set-Cookie` that begins a session."""
        return self._set(self.cookie_name, token, _LASTING_SECONDS)

    def no_cookie(self) -> str:
        """Return the `Set-Cookie` that ends it."""
        return self._set(self.cookie_name, "", 0)

    def way_in(self, request: web.Request) -> str | None:
        """Return by what a browser is known again that was sent away to log in."""
        return request.cookies.get(self._way_name)

    def way_cookie(self, secret: str) -> str:
        return self._set(self._way_name, secret, _AWAY_SECONDS)

    def no_way_cookie(self) -> str:
        return self._set(self._way_name, "", 0)

    def url_of(self, request: web.Request, path: str) -> str:
        return self._origin(request) + path

    def require_own_page(self, request: web.Request) -> None:
        """Raise `CrossSiteError` for what another site made a browser send."""
        site = request.headers.get("Sec-Fetch-Site", "none")
        origin = request.headers.get(hdrs.ORIGIN)
        if site not in _SAME or origin not in {None, self._origin(request)}:
            raise CrossSiteError("The request comes from another site.")

    def require_token(self, request: web.Request, session_token: str) -> None:
        """Raise `CrossSiteError` for a change that no page of ours asked for."""
        if request.method in _READING:
            return
        self.require_own_page(request)
        given = request.headers.get(CSRF_TOKEN, "")
        if not hmac.compare_digest(
            given.encode(errors="surrogateescape"),
            csrf_token_of(session_token).encode(),
        ):
            raise CrossSiteError(
                f"A change in a session needs the {CSRF_TOKEN} that /api/me tells."
            )
        if request.can_read_body and request.content_type != "application/json":
            raise CrossSiteError("A change in a session needs a body in JSON.")

    def require_place(self, request: web.Request) -> None:
        """Raise `ForbiddenError` where a session would cross a network in the clear."""
        if not (self.is_secure or is_this_machine(f"http://{request.host}")):
            raise ForbiddenError(
                "Log in over https, at the address in AG2TRUST_GATEWAY_PUBLIC_URL, or "
                "on this machine at localhost."
            )

    def _origin(self, request: web.Request) -> str:
        return self.public_url or f"http://{request.host}"

    @property
    def _way_name(self) -> str:
        return "__Host-ag2trust_way" if self.is_secure else "ag2trust_way"

    def _set(self, name: str, value: str, seconds: int) -> str:
        secure = "; Secure" if self.is_secure else ""
        return (
            f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
        )
