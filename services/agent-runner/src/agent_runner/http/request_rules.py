"""What a request's head must be beyond what the parser refuses by itself.

llhttp refuses, among others: fields folded or ended by a bare LF or CR, control
characters in them, space before a colon, a length that is repeated, signed or no
number, a length beside a transfer coding, chunk sizes that are no bare hexadecimals.
"""

from shared.errors import MalformedError

from .messages import Fields, value_of, values_of

__all__ = ["check_fields", "check_version"]


def check_version(version: str) -> None:
    """Refuse what is not of HTTP/1; raises `MalformedError`."""
    if version not in {"1.0", "1.1"}:
        raise MalformedError("This server speaks HTTP/1.1.")


def check_fields(fields: Fields, *, version: str) -> None:
    """Refuse what two servers could read differently; raises `MalformedError`.

    Sources: RFC 9112, sections 3.2 (Host) and 6.1 (Transfer-Encoding); RFC 9110,
    section 10.1.1 (Expect).
    """
    hosts = sum(name == b"host" for name, _ in fields)
    if hosts > 1 or (hosts == 0 and version == "1.1"):
        raise MalformedError("A request must have one Host.")
    codings = values_of(fields, b"transfer-encoding")
    if codings and (
        version == "1.0" or [each.lower() for each in codings] != [b"chunked"]
    ):
        raise MalformedError("The only transfer coding taken is chunked.")
    if value_of(fields, b"expect").lower() not in {b"", b"100-continue"}:
        raise MalformedError("The only expectation taken is 100-continue.")
