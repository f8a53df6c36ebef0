"""What every answer of Bedrock wears, whatever the operation."""

import uuid
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from pydantic import JsonValue

from ag2trust_sandbox.script import Step
from ag2trust_sandbox.stamp import Stamp
from ag2trust_sandbox.wire import Wire

from .errors import ERRORS, error_body, error_name

__all__ = ["BEDROCK"]


class BedrockWire(Wire):
    stream_type = "application/vnd.amazon.eventstream"

    def headers(self, step: Step, stamp: Stamp) -> Mapping[str, str]:
        request_id = {"x-amzn-requestid": str(uuid.UUID(stamp.id))}
        is_error = ERRORS.status_of(step) >= HTTPStatus.BAD_REQUEST
        if not is_error or step.raw_body is not None:
            return request_id
        kind = (
            f"{error_name(step)}:http://internal.amazon.com/coral/com.amazon.bedrock/"
        )
        return {**request_id, "x-amzn-errortype": kind}

    def error_status(self, step: Step) -> int:
        return ERRORS.status_of(step)

    def error_body(self, step: Step, _: Stamp) -> Mapping[str, JsonValue]:
        return error_body(step)


BEDROCK: Final = BedrockWire()
