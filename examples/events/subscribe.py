"""Follow the events of an organization, and go on after every break.

    AG2TRUST_API_KEY=cust_… python subscribe.py http://127.0.0.1:8080

Nothing but the standard library. An event may come twice: act on its `id` once.
"""

import json
import os
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.request import Request, urlopen

_PAUSE_SECONDS = 2
_SILENCE_SECONDS = 60  # there is a sign of life every 15


@dataclass(frozen=True)
class Event:
    position: str
    name: str
    data: dict[str, Any]


def follow(url: str, key: str, after: str | None = None) -> Iterator[Event]:
    """Yield events for ever, from now on or *after* a position."""
    while True:
        try:
            with urlopen(_request(url, key, after), timeout=_SILENCE_SECONDS) as lines:  # noqa: S310 - the URL is the user's
                for event in read(lines):
                    after = event.position
                    yield event
        except (OSError, HTTPException) as error:
            sys.stderr.write(f"again in {_PAUSE_SECONDS} s: {error}\n")
        time.sleep(_PAUSE_SECONDS)


def read(lines: Iterable[bytes]) -> Iterator[Event]:
    """Read server-sent events; comments are signs of life."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.decode().rstrip("\r\n").partition(":")
        if name:
            fields[name] = value.removeprefix(" ")
        elif "data" in fields:
            yield Event(
                fields.get("id", ""), fields["event"], json.loads(fields["data"])
            )
            fields = {}


def _request(url: str, key: str, after: str | None) -> Request:
    headers = {"X-API-Key": key, "Accept": "text/event-stream"}
    if after:
        headers["Last-Event-ID"] = after
    return Request(f"{url}/api/events", headers=headers)  # noqa: S310 - see above


if __name__ == "__main__":
    for event in follow(sys.argv[1], os.environ["AG2TRUST_API_KEY"]):
        print(event.position, event.name, json.dumps(event.data))  # noqa: T201 - a program may print
