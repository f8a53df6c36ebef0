"""`http_request`: a URL that a model chooses, asked within what its type allows."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from shared.contracts.tools import HttpMethod, HttpRequestTool
from shared.errors import (
    ToolArgumentsInvalidError,
    ToolDestinationForbiddenError,
    ToolSecretRefusedError,
)
from shared.guarded_http import (
    Answer,
    DestinationForbiddenError,
    GuardedHttp,
    Limits,
)
from shared.web_addresses import UrlInvalidError, WebAddress, web_address

from .destinations import Destinations
from .outgoing_secrets import holds_secret
from .refusals import read_arguments, refused

__all__ = ["HttpTool"]

_REDIRECTS = 3
_MOST_HEADERS = 50
# RFC 9110, section 5: what names and values may be made of, less what is deprecated.
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_VALUE = re.compile(r"[\x20-\x7e\t]{0,4000}")
# What says where a message ends, or goes: ours to say, or nobody's.
_NOT_FOR_MODELS = re.compile(
    r"host|content-length|transfer-encoding|connection|keep-alive|upgrade|te|trailer"
    r"|expect|proxy-.*|accept-encoding",
    re.IGNORECASE,
)
_TEXT = re.compile(
    r"text/.*|application/(?:.*\+)?(?:json|xml|yaml)|application/(?:x-)?"
    r"(?:javascript|www-form-urlencoded|ndjson|yaml|sh)|"
)
# The encodings of the WHATWG's standard that are in use; Python knows others, which are
# none of text.
_CHARSET = re.compile(
    r'charset="?(iso-8859-[0-9]+|windows-125[0-9]|utf-16(?:le|be)?|shift_jis|euc-jp'
    r"|euc-kr|gbk|gb18030|big5|koi8-[ru]|us-ascii)",
    re.IGNORECASE,
)


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    url: str = Field(max_length=8000)
    method: HttpMethod = "GET"
    headers: dict[str, str] = Field(default_factory=dict, max_length=_MOST_HEADERS)
    body: str | None = None


class _Told(BaseModel):
    """What the model reads of an answer; *note* says what is missing of it."""

    url: str
    status: int
    content_type: str
    location: str | None = None
    body: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class HttpTool:
    """One agent's: as its type has it, with what must not leave its process."""

    configured: HttpRequestTool
    destinations: Destinations
    secrets: Collection[str] = field(repr=False)

    def request(self, arguments: dict[str, JsonValue]) -> "ToolRequest":
        """Read what a model asks for, and judge it before anything is sent.

        Raises `ToolArgumentsInvalidError`, `ToolDestinationForbiddenError` and
        `ToolSecretRefusedError`.
        """
        read = read_arguments(_Arguments, arguments)
        body = None if read.body is None else read.body.encode()
        self._require_allowed(read, body)
        self.permit(_address(read.url))
        self._require_no_secret(
            read.url, *read.headers, *read.headers.values(), read.body or ""
        )
        return ToolRequest(self, read.method, read.url, read.headers, body)

    def permit(self, asked: WebAddress) -> None:
        """Judge a URL, of a redirect too."""
        if problem := self.destinations.problem(asked):
            raise refused(ToolDestinationForbiddenError, problem)
        self._require_no_secret(asked.url)

    def _require_allowed(self, read: _Arguments, body: bytes | None) -> None:
        if read.method not in self.configured.methods:
            allowed = ", ".join(self.configured.methods)
            raise _invalid(f"This tool uses no method but {allowed}.")
        for name, value in read.headers.items():
            if not (_HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value)):
                raise _invalid("A header has a name or a value that HTTP cannot send.")
            if _NOT_FOR_MODELS.fullmatch(name):
                raise _invalid(f"The header {name} cannot be set.")
        most = self.configured.max_request_bytes
        if body is not None and len(body) > most:
            raise _invalid(f"The body is longer than {most} bytes.")

    def _require_no_secret(self, *texts: str) -> None:
        if holds_secret(texts, self.secrets):
            raise refused(
                ToolSecretRefusedError, "The request holds a secret; it is not sent."
            )


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """A request that may be sent."""

    tool: HttpTool
    method: str
    url: str
    headers: dict[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)

    async def send(self, http: GuardedHttp) -> str:
        """Ask, and give what a model reads of the answer, whatever its status.

        Raises what `permit` does of a redirect, and an `OutgoingError`.
        """
        configured = self.tool.configured
        limits = Limits(
            within=timedelta(seconds=configured.timeout_seconds),
            most_bytes=configured.max_response_bytes,
            redirects=_REDIRECTS,
        )
        try:
            answer = await http.ask(
                self.method,
                self.url,
                headers=self.headers,
                body=self.body,
                limits=limits,
                permit=self.tool.permit,
            )
        except DestinationForbiddenError as error:
            raise refused(ToolDestinationForbiddenError, str(error)) from error
        return _told(answer).model_dump_json(exclude_none=True)


def _address(url: str) -> WebAddress:
    try:
        return web_address(url)
    except UrlInvalidError as error:
        raise _invalid(f"The URL {error}.") from error


def _told(answer: Answer) -> _Told:
    told = _Told(
        url=answer.url,
        status=answer.status,
        content_type=answer.headers.get("Content-Type", ""),
        location=answer.headers.get("Location"),
        body="",
    )
    media_type, _, parameters = told.content_type.partition(";")
    if not _TEXT.fullmatch(media_type.strip().lower()):
        note = f"The body is no text; it has {len(answer.body)} bytes or more."
        return told.model_copy(update={"note": note})
    cut = None if answer.is_whole else "The body was longer; this is its beginning."
    return told.model_copy(update={"body": _text(answer.body, parameters), "note": cut})


def _text(body: bytes, parameters: str) -> str:
    """Decode it as it says, if in a way that the web knows, else as UTF-8."""
    charset = _CHARSET.search(parameters)
    try:
        return body.decode(charset[1] if charset else "utf-8", errors="replace")
    except LookupError:
        return body.decode(errors="replace")


def _invalid(message: str) -> ToolArgumentsInvalidError:
    return refused(ToolArgumentsInvalidError, message)
