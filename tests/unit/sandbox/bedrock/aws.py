"""AWS's official clients, pointed at a sandbox."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config

from ag2trust_sandbox import EXAMPLE_KEY_PAIR, KeyPair, Sandbox

_SESSION = boto3.Session()
"""Shared, since reading its service models takes longer than all else."""


@contextmanager
def runtime(
    sandbox: Sandbox,
    *,
    key_pair: KeyPair = EXAMPLE_KEY_PAIR,
    service: str = "bedrock-runtime",
    region: str = "us-east-1",
    attempts: int = 1,
    read_timeout: float = 60,
) -> Iterator[Any]:
    """Open a client; its calls block, hence belong in a thread."""
    client = _SESSION.client(
        service,
        endpoint_url=sandbox.bedrock_endpoint_url,
        region_name=region,
        aws_access_key_id=key_pair.access_key_id,
        aws_secret_access_key=key_pair.secret_access_key,
        aws_session_token=key_pair.session_token,
        config=Config(
            read_timeout=read_timeout,
            retries={"mode": "standard", "total_max_attempts": attempts},
        ),
    )
    try:
        yield client
    finally:
        client.close()
