"""Bytes in pieces, cut anywhere."""

from hypothesis import strategies as st

__all__ = ["pieces_of"]


@st.composite
def pieces_of(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """Cut *data* at any places, empty pieces included."""
    places = st.integers(min_value=0, max_value=len(data))
    cuts = sorted(draw(st.lists(places, max_size=12)))
    bounds = zip([0, *cuts], [*cuts, len(data)], strict=True)
    return [data[start:end] for start, end in bounds]
