"""Vectors that depend on their input alone and mean nothing."""

import hashlib
import math
import struct

__all__ = ["packed_vector", "vector"]


def vector(text: str | tuple[int, ...], *, dimensions: int) -> tuple[float, ...]:
    """Make a vector of length 1 from a hash of *text* or tokens."""
    return struct.unpack(f"<{dimensions}f", packed_vector(text, dimensions=dimensions))


def packed_vector(text: str | tuple[int, ...], *, dimensions: int) -> bytes:
    """Give the same vector as little-endian 32-bit floats."""
    digest = hashlib.shake_256(repr(text).encode()).digest(2 * dimensions)
    # Odd numbers, hence never a vector of zeroes.
    values = [2 * value + 1 for value in struct.unpack(f"<{dimensions}h", digest)]
    length = math.hypot(*values)
    return struct.pack(f"<{dimensions}f", *(value / length for value in values))
