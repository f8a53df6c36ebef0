"""What every HTTP application wears: errors as JSON, ids, and a strict reader."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import Field
from structlog.contextvars import get_contextvars

from shared.contracts.base import Message, Secret
from shared.contracts.credentials import ProviderType
from shared.errors import (
    AppError,
    InvalidApiKeyError,
    LimitedError,
    ProviderInUseError,
    UnavailableError,
)
from shared.http import REQUEST_ID, read_json, reply_json, tell_errors

CANARY = "sk-canary-90d2"
LIMIT = 10_000

Client = TestClient[web.Request, web.Application]


class Cat(Message):
    kind: Literal["cat"]


class Dog(Message):
    kind: Literal["dog"]


class Body(Message):
    count: int = 0
    ratio: Annotated[float, Field(ge=0, le=2)] = 0.0
    text: str = ""
    nested: dict[str, Any] = Field(default_factory=dict)
    id: UUID | None = None
    at: datetime | None = None
    type: ProviderType | None = None
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None
    api_key: Secret | None = None


class Failing:
    """A handler that raises what it is told to."""

    error: BaseException = AppError()

    async def answer(self, _: web.Request) -> web.StreamResponse:
        raise self.error


async def _echo(request: web.Request) -> web.Response:
    return reply_json(await read_json(request, Body))


async def _context(_: web.Request) -> web.Response:
    return web.json_response(get_contextvars())


async def _started(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"half")
    return response


@pytest.fixture
def failing() -> Failing:
    return Failing()


@pytest.fixture
async def client(failing: Failing) -> AsyncIterator[Client]:
    app = web.Application(middlewares=[tell_errors], client_max_size=LIMIT)
    app.router.add_post("/echo", _echo)
    app.router.add_get("/context", _context)
    app.router.add_get("/failing", failing.answer)
    app.router.add_get("/started", _started)
    async with TestClient(TestServer(app)) as client:
        yield client


async def _refusal(response: ClientResponse) -> dict[str, Any]:
    """Return the body of an error, checked for its shape."""
    assert response.content_type == "application/json"
    body: dict[str, Any] = await response.json()
    assert body.keys() == {"error", "error_code", "details", "request_id"}
    assert body["request_id"] == response.headers[REQUEST_ID]
    return body


async def test_an_error_says_what_it_is_in_json(
    client: Client, failing: Failing
) -> None:
    failing.error = ProviderInUseError("In use.", details={"agents": [{"id": "1"}]})

    response = await client.get("/failing")

    body = await _refusal(response)
    assert response.status == HTTPStatus.CONFLICT
    assert body["error"] == "In use."
    assert body["error_code"] == "PROVIDER_IN_USE"
    assert body["details"] == {"agents": [{"id": "1"}]}


@pytest.mark.parametrize(
    "error",
    [
        ValueError(CANARY),
        KeyError(CANARY),
        ExceptionGroup(CANARY, [AppError(CANARY)]),
        TimeoutError(CANARY),
        OSError(5, CANARY),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_crash_is_an_internal_error_without_its_words(
    client: Client, failing: Failing, error: Exception
) -> None:
    failing.error = error

    response = await client.get("/failing")

    body = await _refusal(response)
    assert response.status == HTTPStatus.INTERNAL_SERVER_ERROR
    assert body["error_code"] == "INTERNAL_ERROR"
    assert body["details"] == {}
    assert CANARY not in await response.text() + str(response.headers)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.0, "1"), (0.2, "1"), (1.0, "1"), (2.4, "3"), (2.5, "3"), (60.0, "60")],
)
async def test_retry_after_is_whole_seconds_and_never_too_early(
    client: Client, failing: Failing, seconds: float, told: str
) -> None:
    failing.error = LimitedError("Slowly.", retry_after_seconds=seconds)

    response = await client.get("/failing")

    assert response.status == HTTPStatus.TOO_MANY_REQUESTS
    assert response.headers["Retry-After"] == told


async def test_unavailable_always_says_when_to_come_back(
    client: Client, failing: Failing
) -> None:
    failing.error = UnavailableError("Not now.")

    response = await client.get("/failing")

    assert int(response.headers["Retry-After"]) >= 1


async def test_other_errors_do_not_say_when_to_come_back(
    client: Client, failing: Failing
) -> None:
    failing.error = ProviderInUseError("In use.")

    response = await client.get("/failing")

    assert "Retry-After" not in response.headers


async def test_an_unknown_caller_is_told_how_to_say_who_it_is(
    client: Client, failing: Failing
) -> None:
    failing.error = InvalidApiKeyError("Unknown key.")

    response = await client.get("/failing")

    assert response.status == HTTPStatus.UNAUTHORIZED
    assert response.headers["WWW-Authenticate"] == "Bearer"


async def test_an_unknown_path_is_not_found(client: Client) -> None:
    response = await client.get("/no%2Fwhere%FF%00")

    body = await _refusal(response)
    assert (response.status, body["error_code"]) == (404, "NOT_FOUND")


async def test_a_wrong_method_is_told_the_right_ones(client: Client) -> None:
    response = await client.delete("/context")

    body = await _refusal(response)
    assert (response.status, body["error_code"]) == (405, "METHOD_NOT_ALLOWED")
    assert set(response.headers["Allow"].split(",")) == {"GET", "HEAD"}


async def test_refusals_of_the_framework_are_told_in_our_words(
    client: Client, failing: Failing
) -> None:
    failing.error = web.HTTPBadRequest(text=CANARY)

    response = await client.get("/failing")

    body = await _refusal(response)
    assert (response.status, body["error_code"]) == (400, "MALFORMED_REQUEST")
    assert CANARY not in await response.text()


@pytest.mark.parametrize("given", ["12345678", "a" * 128, "A-b_c.d-9", "00000000-0000"])
async def test_a_usable_request_id_is_kept(client: Client, given: str) -> None:
    response = await client.get("/context", headers={REQUEST_ID: given})

    assert response.headers[REQUEST_ID] == given
    assert (await response.json())["request_id"] == given


@pytest.mark.parametrize(
    "given",
    [
        "",
        "short",
        "a" * 129,
        "with space",
        "semi;colon",
        "é" * 8,
        '"12345678"',
        "a/b" * 5,
    ],
)
async def test_an_absurd_request_id_is_replaced(client: Client, given: str) -> None:
    response = await client.get("/context", headers={REQUEST_ID: given})

    made = response.headers[REQUEST_ID]
    assert UUID(made).version == 7
    assert (await response.json())["request_id"] == made


async def test_requests_at_the_same_time_have_ids_of_their_own(client: Client) -> None:
    async def context_of(number: int) -> bool:
        given = f"request-{number:03}"
        response = await client.get("/context", headers={REQUEST_ID: given})
        return bool((await response.json())["request_id"] == given)

    assert all(await asyncio.gather(*map(context_of, range(50))))
    assert "request_id" not in get_contextvars()


async def test_an_answer_that_has_begun_is_left_alone(client: Client) -> None:
    response = await client.get("/started")

    assert (response.status, await response.read()) == (200, b"half")


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b" ", b"nope", b"{", b'{"count": 1,}', b"{'count': 1}", b"{} {}"),
        *(b'{"ratio": NaN}', b'{"ratio": Infinity}', b'{"ratio": -Infinity}'),
        *(b"{}\0", b'{"text": "\xff"}', b"\xef\xbb\xbf{}", "{}".encode("utf-16")),
        *(b'{"text": "\\ud800"}', b'{"text": "a\nb"}', b"{" + b'"a":' * 999),
        *(b"[" * 4_000 + b"]" * 4_000, b'{"count": ' + b"1" * 5_000 + b"}"),
    ],
    ids=lambda body: repr(body[:20]),
)
async def test_what_is_not_json_is_malformed(client: Client, body: bytes) -> None:
    response = await client.post("/echo", data=body)

    assert response.status == HTTPStatus.BAD_REQUEST
    assert (await _refusal(response))["error_code"] == "MALFORMED_JSON"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"[]", ["body"]),
        (b"null", ["body"]),
        (b'"text"', ["body"]),
        (b'{"count": "1"}', ["count"]),
        (b'{"count": 1.5}', ["count"]),
        (b'{"count": true}', ["count"]),
        (b'{"ratio": 1e400}', ["ratio"]),
        (b'{"text": 1, "count": []}', ["count", "text"]),
        (b'{"id": "not-an-id"}', ["id"]),
        (b'{"at": "2026-13-01T00:00:00Z"}', ["at"]),
        (b'{"colour": "red"}', ["colour"]),
        (b'{"pet": {"kind": "cat", "colour": "red"}}', ["pet.cat.colour"]),
        (b'{"text": "a\\u0000b"}', ["text"]),
        (b'{"nested": {"a": ["\\u0000"]}}', ["nested.a.0"]),
        (b'{"nested": {"\\u0000": 1}}', ["nested.[key]"]),
        (b'{"pet": {"kind": "fish"}}', ["pet"]),
    ],
    ids=lambda given: repr(given[:30]),
)
async def test_json_of_another_shape_names_its_fields(
    client: Client, body: bytes, fields: list[str]
) -> None:
    response = await client.post("/echo", data=body)

    refusal = await _refusal(response)
    assert response.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert refusal["error_code"] == "VALIDATION_FAILED"
    assert sorted(each["field"] for each in refusal["details"]["fields"]) == fields


@pytest.mark.parametrize("name", [*Body.model_fields])
async def test_a_refused_field_does_not_come_back_with_its_value(
    client: Client, name: str
) -> None:
    for wrong in ([CANARY], {"kind": CANARY}, {CANARY: 1}):
        response = await client.post("/echo", json={name: wrong, "count": "1"})

        assert response.status == HTTPStatus.UNPROCESSABLE_ENTITY
        assert CANARY not in await response.text()


async def test_a_refused_choice_names_the_choices(client: Client) -> None:
    wrong = {"type": CANARY, "pet": {"kind": CANARY}}

    response = await client.post("/echo", json=wrong)

    text = await response.text()
    assert all(each in text for each in ("'openai'", "'cat', 'dog'"))
    assert CANARY not in text
    assert "ProviderType" not in text


async def test_of_a_field_given_twice_the_last_counts_everywhere(
    client: Client,
) -> None:
    accepted = await client.post("/echo", data=b'{"text": "\\u0000", "text": "b"}')
    refused = await client.post("/echo", data=b'{"text": "b", "text": "\\u0000"}')

    assert (await accepted.json())["text"] == "b"
    assert refused.status == HTTPStatus.UNPROCESSABLE_ENTITY


async def test_nested_as_deep_as_people_nest_is_read(client: Client) -> None:
    body = b'{"nested": ' + b'{"a":' * 100 + b"1" + b"}" * 100 + b"}"

    response = await client.post("/echo", data=body)

    assert response.status == HTTPStatus.OK


async def test_a_body_up_to_the_limit_is_read_and_a_byte_more_is_too_large(
    client: Client,
) -> None:
    fits = json.dumps({"text": "x" * 9_000}).encode().ljust(LIMIT)

    accepted = await client.post("/echo", data=fits)
    refused = await client.post("/echo", data=fits + b" ")

    assert accepted.status == HTTPStatus.OK
    assert refused.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert (await _refusal(refused))["error_code"] == "REQUEST_TOO_LARGE"


async def test_a_body_that_grows_when_unpacked_is_too_large(client: Client) -> None:
    packed = gzip.compress(b" " * 5_000_000)

    response = await client.post(
        "/echo", data=packed, headers={"Content-Encoding": "gzip"}
    )

    assert response.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


async def test_a_body_that_cannot_be_unpacked_is_malformed(client: Client) -> None:
    response = await client.post(
        "/echo", data=b"no gzip", headers={"Content-Encoding": "gzip"}
    )

    assert response.status == HTTPStatus.BAD_REQUEST
    assert (await _refusal(response))["error_code"] == "MALFORMED_REQUEST"
