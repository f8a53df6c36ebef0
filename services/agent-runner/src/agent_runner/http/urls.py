"""Taking a URL apart into where to connect and what to ask for."""

from functools import lru_cache

from yarl import URL

from .client import Origin

__all__ = ["parted"]

_REMEMBERED = 1024


@lru_cache(_REMEMBERED)
def parted(url: str) -> tuple[Origin, bytes]:
    """Part *url*, which is percent-encoded; its path and query stay as they are."""
    taken = URL(url, encoded=True)
    origin = Origin(
        is_tls=taken.scheme == "https",
        host=taken.raw_host or "",
        port=taken.port or 0,
        authority=(taken.host_port_subcomponent or "").encode(),
    )
    return origin, taken.raw_path_qs.encode()
