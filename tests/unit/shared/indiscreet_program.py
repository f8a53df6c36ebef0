"""Logs everything that could hold a secret; run by `test_logs.py`."""

import asyncio
import gc
import logging
import sys
from collections.abc import Callable

import asyncpg
import structlog
from aiohttp import ClientResponseError, RequestInfo
from multidict import CIMultiDict, CIMultiDictProxy
from pydantic import BaseModel
from structlog.contextvars import bound_contextvars
from yarl import URL

from shared.errors import AppError
from shared.logs import set_up_logs

CANARY = "sk-canary-41c7"

log = structlog.get_logger("program")
library = logging.getLogger("a.library")


class Model(BaseModel):
    number: int


def provider_refuses() -> None:
    secret_local = CANARY
    headers = CIMultiDictProxy(CIMultiDict({"Authorization": f"Bearer {secret_local}"}))
    url = URL("https://api.openai.com/v1")
    raise ClientResponseError(
        RequestInfo(url, "POST", headers, url), (), status=401, message=secret_local
    )


def database_refuses() -> None:
    raise asyncpg.DataError(f"invalid input for query argument $1: {CANARY!r}")


def model_refuses() -> None:
    Model.model_validate({"number": CANARY})


def key_is_missing() -> None:
    dict[str, str]()[CANARY]


def cause_holds_it() -> None:
    try:
        provider_refuses()
    except ClientResponseError as error:
        raise RuntimeError(f"with {CANARY}") from error


def context_holds_it() -> None:
    try:
        provider_refuses()
    except ClientResponseError:
        raise AppError("Our own words.")  # noqa: B904 - the point of it


def group_holds_it() -> None:
    problems = [ValueError(CANARY), ExceptionGroup(CANARY, [KeyError(CANARY)])]
    raise ExceptionGroup(f"group of {CANARY}", problems)


def note_holds_it() -> None:
    error = ValueError("harmless")
    error.add_note(CANARY)
    raise error


FAILURES: tuple[Callable[[], None], ...] = (
    provider_refuses,
    database_refuses,
    model_refuses,
    key_is_missing,
    cause_holds_it,
    context_holds_it,
    group_holds_it,
    note_holds_it,
)


def log_failures() -> None:
    for fails in FAILURES:
        try:
            fails()
        except Exception as error:
            log.exception("own.failed", case=fails.__name__)
            library.exception("Failed with %s", error)


def log_as_libraries_do() -> None:
    library.warning("Password %s refused for %r", CANARY, {"key": CANARY})
    library.warning("Password %(password)s refused", {"password": CANARY})
    library.error("Task was destroyed\ntask: <Task %s>" % CANARY)  # noqa: UP031
    library.error(ValueError(CANARY))
    library.log(35, "At a level of its own")
    library.info("Password %s accepted", CANARY)
    logging.getLogger("nats.aio.client").error("nats: encountered error")


async def lose_failures() -> None:
    loop = asyncio.get_running_loop()
    task = loop.create_task(asyncio.to_thread(provider_refuses))
    await asyncio.wait([task])
    del task
    gc.collect()
    loop.call_soon(_refuse, CANARY)
    await asyncio.sleep(0)


def _refuse(_: str) -> None:
    provider_refuses()


def main() -> None:
    set_up_logs("sample", level="info")
    log.debug("below.the_level", secret=CANARY)
    with bound_contextvars(request_id="request-1"):
        log.info("own.event", count=1)
        library.warning("Within a request")
    log_failures()
    log_as_libraries_do()
    asyncio.run(lose_failures())
    sys.stderr.flush()


main()
