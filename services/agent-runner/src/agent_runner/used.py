"""What a model call used, as it is counted here before it is written down."""

from typing import NamedTuple

__all__ = ["Used"]


class Used(NamedTuple):
    """The figures of `shared.contracts.metrics.Usage`, which says what each is.

    Who makes one has checked them: every call makes several, and a model would validate
    each anew.
    """

    input_tokens: int | None = None
    cached_input_tokens: int | None = None
    cache_write_5m_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    web_searches: int | None = None
    service_tier: str | None = None
    speed: str | None = None
    inference_geo: str | None = None

    def told(self) -> dict[str, int | str]:
        """Give what is known, by its name in `Usage`."""
        return {
            name: figure
            for name, figure in zip(self._fields, self, strict=True)
            if figure is not None
        }
