"""Where the built dashboard is, if `make dashboard` has built it."""

from pathlib import Path

__all__ = ["built_dashboard"]

_BUILT = Path(__file__).resolve().parents[4] / "services/gateway/dashboard/dist"


def built_dashboard() -> Path | None:
    return _BUILT if (_BUILT / "index.html").is_file() else None
