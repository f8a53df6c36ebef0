"""The fields of an answer as the agent gets them: the provider's, under one id."""

import re

from agent_runner.http.messages import Fields
from agent_runner.masking import SecretMask

from .calls import OpenCall
from .headers import response_fields, value_of
from .wire_format import WireFormat

__all__ = ["dressed"]

_REQUEST_ID_FIELD = b"x-request-id"
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")


def dressed(
    fields: Fields, call: OpenCall, wire_format: WireFormat, mask: SecretMask
) -> list[tuple[bytes, bytes]]:
    """Give the provider's fields; its request id is the call's now."""
    name = wire_format.request_id_field
    given = value_of(fields, name)
    # It is recorded, so it must be no key that the provider repeats.
    if given and _REQUEST_ID.fullmatch(given) and not mask.hides(given):
        call.request_id = given
    request_id = call.request_id.encode()
    passing = response_fields(fields, but=(name, _REQUEST_ID_FIELD))
    passing.append((_REQUEST_ID_FIELD, request_id))
    if name != _REQUEST_ID_FIELD:
        passing.append((name, request_id))
    return passing
