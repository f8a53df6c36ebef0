"""A KMS that containers reach: moto's, on every address of this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import boto3
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

from .reaching import EVERY_ADDRESS

__all__ = ["ACCOUNT", "REGION", "Kms", "kms_of_moto"]

REGION = "eu-west-1"

ACCOUNT = {
    "aws_access_key_id": "AKIAIOSFODNN7EXAMPLE",
    "aws_secret_access_key": "only-for-tests-of-aws",
}

_ALIAS = "alias/ag2trust"


@dataclass(frozen=True, slots=True)
class Kms:
    """*arn* is the one key there, known as *alias*; *port* is where it is asked."""

    port: int
    alias: str
    arn: str
    server: ThreadedMotoServer

    def disappear(self) -> None:
        self.server.stop()


@contextmanager
def kms_of_moto() -> Iterator[Kms]:
    """Serve a KMS with one key."""
    server = ThreadedMotoServer(EVERY_ADDRESS, 0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        client = boto3.Session(**ACCOUNT).client(
            "kms", endpoint_url=f"http://127.0.0.1:{port}", region_name=REGION
        )
        arn = client.create_key()["KeyMetadata"]["Arn"]
        client.create_alias(AliasName=_ALIAS, TargetKeyId=arn)
        yield Kms(port, _ALIAS, arn, server)
    finally:
        server.stop()
