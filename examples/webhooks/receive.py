"""Receive webhooks: believe only what is signed, late or repeated ones never.

    AG2TRUST_WEBHOOK_SECRET=whsec_… python receive.py 8000

Nothing but the standard library. A delivery may come twice: act on its id once.
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

_TOLERANCE_SECONDS = 5 * 60


class UnbelievableError(Exception):
    """Nobody who knows the secret has just said this."""


def verified(
    headers: Mapping[str, str], body: bytes, *, secret: str, now: float
) -> Any:
    """Return what *body* tells; *headers* are found by lower-case names.

    Raises `UnbelievableError`.
    """
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not timestamp.isdecimal() or abs(now - int(timestamp)) > _TOLERANCE_SECONDS:
        raise UnbelievableError("It was not sent just now.")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    words = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(key, words, hashlib.sha256).digest()
    expected = f"v1,{base64.b64encode(digest).decode()}"
    signatures = headers.get("webhook-signature", "").split(" ")
    if not any(
        hmac.compare_digest(each.encode(), expected.encode()) for each in signatures
    ):
        raise UnbelievableError("The signature does not fit.")
    return json.loads(body)


class Receiver(BaseHTTPRequestHandler):
    """Answers fast: 2xx is "I have it", anything else "send it again later"."""

    secret = ""
    seen: set[str] = set()  # noqa: RUF012 - one for all requests

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            told = verified(headers, body, secret=self.secret, now=time.time())
        except UnbelievableError:
            self.send_response(401)
        else:
            self._act(headers["webhook-id"], told)
            self.send_response(204)
        self.end_headers()

    def _act(self, message_id: str, told: Any) -> None:
        if message_id not in self.seen:
            self.seen.add(message_id)
            sys.stdout.write(f"{told['timestamp']} {told['type']}\n")


def main() -> None:
    Receiver.secret = os.environ["AG2TRUST_WEBHOOK_SECRET"]
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()


if __name__ == "__main__":
    main()
