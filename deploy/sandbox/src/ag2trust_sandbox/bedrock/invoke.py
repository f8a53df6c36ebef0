"""InvokeModel and InvokeModelWithResponseStream, whatever the family of models."""

import base64

from pydantic import JsonValue

from ag2trust_sandbox.encoding import encode_json
from ag2trust_sandbox.reply import Reply, Stream
from ag2trust_sandbox.script import Step
from ag2trust_sandbox.stamp import Stamp

from .claude import ClaudeRequest
from .errors import error_body, exception_type
from .event_stream import MALFORMED_FRAME, encode_event, encode_exception
from .invocation import Invocation, InvocationRequest, Members
from .llama import LlamaRequest
from .parsing import CamelCase, parse
from .titan_embeddings import TitanEmbeddingsRequest
from .titan_text import TitanTextRequest
from .usage import count_headers, invocation_metrics
from .wire import BEDROCK

__all__ = ["invoke_reply", "invoke_stream_reply", "read_invocation"]


class _TellingMembers(CamelCase):
    input_text: JsonValue = None
    prompt: JsonValue = None


def read_invocation(model: str, body: bytes) -> InvocationRequest:
    """Read a body as the family it is written for; raises `RefusalError`.

    The members tell the family, for any model may be asked for, not only known ones.
    """
    return parse(_family(model, parse(_TellingMembers, body)), body)


def _family(model: str, members: _TellingMembers) -> type[InvocationRequest]:
    if members.prompt is not None:
        return LlamaRequest
    if members.input_text is None:
        return ClaudeRequest
    return TitanEmbeddingsRequest if "embed" in model else TitanTextRequest


def invoke_reply(invocation: Invocation, step: Step, stamp: Stamp) -> Reply:
    """Answer in one body; raises `RefusalError` if the step cannot."""
    headers = count_headers(invocation.usage, step)
    return BEDROCK.whole_reply(step, stamp, invocation.whole(), headers)


def invoke_stream_reply(invocation: Invocation, step: Step, stamp: Stamp) -> Reply:
    """Answer in chunks."""
    if not step.is_success:
        return BEDROCK.error_reply(step, stamp)
    headers = {"x-amzn-bedrock-content-type": "application/json"}
    return BEDROCK.stream_reply(step, stamp, _stream(invocation, step), headers)


def _stream(invocation: Invocation, step: Step) -> Stream:
    metrics = invocation_metrics(invocation.usage, step)
    return Stream(
        content=tuple(map(_chunk, invocation.content_chunks())),
        usage=tuple(map(_chunk, invocation.usage_chunks())),
        end=(_chunk({**invocation.last_chunk(), **metrics}),),
        error=encode_exception(exception_type(step), error_body(step)),
        malformed=MALFORMED_FRAME,
    )


def _chunk(members: Members) -> bytes:
    encoded = base64.b64encode(encode_json(members)).decode()
    return encode_event("chunk", {"bytes": encoded, "p": "abcdefghijklmnopqrstuvwxyz"})
