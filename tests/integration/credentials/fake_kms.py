"""AWS KMS as its clients see it, with faults on order.

It speaks JSON 1.1 over HTTP and keeps the promises that moto breaks: a disabled key
decrypts nothing, and a key that is named must be the one that encrypted.
Source: the service model kms/2014-11-01 of botocore.
"""

import asyncio
import json
import os
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["ALIAS", "REGION", "FakeKms", "Fault", "running_fake_kms"]

ALIAS = "alias/ag2trust"
REGION = "eu-west-1"

_ACCOUNT = "111122223333"
_NONCE_BYTES = 12
_JSON = "application/x-amz-json-1.1"

_Body: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """How one question fails: refused as *code*, or done with its answer lost."""

    code: str = ""
    status: int = 400
    is_after_success: bool = False


class _KmsError(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class _Key:
    """*trouble* is the error that every use of the key ends with, if any."""

    material: bytes = field(default_factory=lambda: os.urandom(32))
    trouble: str | None = None


class FakeKms:
    """*asked* are the operations asked so far; *faults* befall the next questions.

    While *released* is not set, every question waits; *arrivals* counts them.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.contexts: list[Mapping[str, str]] = []
        self.plaintexts: list[str] = []
        self.faults: deque[Fault] = deque()
        self.released = asyncio.Event()
        self.released.set()
        self.arrivals = asyncio.Semaphore(0)
        self.most_at_once = 0
        self.url = ""
        self._at_once = 0
        self._aliases: dict[str, str] = {}
        self._keys: dict[str, _Key] = {}
        self.first_arn = self.add_key()
        self.point(self.first_arn)

    def add_key(self) -> str:
        """Make a key; return its ARN."""
        arn = f"arn:aws:kms:{REGION}:{_ACCOUNT}:key/{len(self._keys) + 1:036}"
        self._keys[arn] = _Key()
        return arn

    def point(self, arn: str, *, alias: str = ALIAS) -> None:
        self._aliases[alias] = arn

    def trouble(self, arn: str, code: str | None) -> None:
        """Let every use of a key end with *code*; None mends it."""
        self._keys[arn].trouble = code

    def delete(self, arn: str) -> None:
        del self._keys[arn]

    async def answer(self, request: web.Request) -> web.Response:
        operation = request.headers["X-Amz-Target"].removeprefix("TrentService.")
        body = json.loads(await request.read())
        self.asked.append(operation)
        self.arrivals.release()
        with self._counting():
            await self.released.wait()
        fault = self.faults.popleft() if self.faults else None
        if fault is not None and not fault.is_after_success:
            return _refusal(fault.code, fault.status)
        try:
            reply = self._operations[operation](body)
        except _KmsError as error:
            return _refusal(error.code)
        if fault is not None and request.transport is not None:
            request.transport.close()
        return _response(reply)

    @property
    def _operations(self) -> dict[str, Callable[[_Body], _Body]]:
        return {
            "DescribeKey": self._describe_key,
            "GenerateDataKey": self._generate_data_key,
            "Encrypt": self._encrypt,
            "Decrypt": self._decrypt,
            "ReEncrypt": self._re_encrypt,
        }

    @contextmanager
    def _counting(self) -> Iterator[None]:
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            yield
        finally:
            self._at_once -= 1

    def _describe_key(self, body: _Body) -> _Body:
        arn = self._arn(body["KeyId"])
        return {"KeyMetadata": {"Arn": arn, "KeyId": arn.rpartition("/")[2]}}

    def _generate_data_key(self, body: _Body) -> _Body:
        assert body["KeySpec"] == "AES_256"
        plaintext = b64encode(os.urandom(32)).decode()
        self.plaintexts.append(plaintext)
        encrypted = self._encrypt({**body, "Plaintext": plaintext})
        return {**encrypted, "Plaintext": plaintext}

    def _encrypt(self, body: _Body) -> _Body:
        return self._wrapped(
            body["KeyId"], b64decode(body["Plaintext"]), body["EncryptionContext"]
        )

    def _decrypt(self, body: _Body) -> _Body:
        arn, plaintext = self._unwrapped(
            body["CiphertextBlob"], body["EncryptionContext"], body.get("KeyId")
        )
        return {"KeyId": arn, "Plaintext": b64encode(plaintext).decode()}

    def _re_encrypt(self, body: _Body) -> _Body:
        source_arn, plaintext = self._unwrapped(
            body["CiphertextBlob"],
            body["SourceEncryptionContext"],
            body.get("SourceKeyId"),
        )
        wrapped = self._wrapped(
            body["DestinationKeyId"], plaintext, body["DestinationEncryptionContext"]
        )
        return {**wrapped, "SourceKeyId": source_arn}

    def _wrapped(
        self, key_id: str, plaintext: bytes, context: Mapping[str, str]
    ) -> _Body:
        self.contexts.append(context)
        arn = self._arn(key_id)
        nonce = os.urandom(_NONCE_BYTES)
        sealed = AESGCM(self._usable(arn).material).encrypt(
            nonce, plaintext, _canonical(context)
        )
        blob = arn.encode() + b"\0" + nonce + sealed
        return {"KeyId": arn, "CiphertextBlob": b64encode(blob).decode()}

    def _unwrapped(
        self, blob: str, context: Mapping[str, str], key_id: str | None
    ) -> tuple[str, bytes]:
        name, _, sealed = b64decode(blob).partition(b"\0")
        arn = name.decode("latin-1")
        if key_id is not None and self._arn(key_id) != arn:
            raise _KmsError("IncorrectKeyException")
        key = self._usable(arn)
        try:
            plaintext = AESGCM(key.material).decrypt(
                sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _canonical(context)
            )
        except InvalidTag:
            raise _KmsError("InvalidCiphertextException") from None
        return arn, plaintext

    def _usable(self, arn: str) -> _Key:
        key = self._keys[self._arn(arn)]
        if key.trouble is not None:
            raise _KmsError(key.trouble)
        return key

    def _arn(self, key_id: str) -> str:
        arn = self._aliases.get(key_id, key_id)
        if arn not in self._keys:
            raise _KmsError("NotFoundException")
        return arn


@asynccontextmanager
async def running_fake_kms() -> AsyncIterator[FakeKms]:
    """Serve a KMS with one key, under `ALIAS`, on the loopback address."""
    kms = FakeKms()
    app = web.Application()
    app.router.add_post("/", kms.answer)
    async with TestServer(app) as server:
        kms.url = str(server.make_url("/"))
        try:
            yield kms
        finally:
            kms.released.set()


def _canonical(context: Mapping[str, str]) -> bytes:
    return json.dumps(context, sort_keys=True).encode()


def _response(body: _Body, *, status: int = 200) -> web.Response:
    return web.Response(
        body=json.dumps(body).encode(),
        status=status,
        headers={"Content-Type": _JSON},
    )


def _refusal(code: str, status: int = 400) -> web.Response:
    told = {"__type": code, "message": "told by AWS about arn:aws:iam::1:user/ada"}
    return _response(told, status=status)
