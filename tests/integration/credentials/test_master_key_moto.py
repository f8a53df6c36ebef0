"""The master key in AWS, over the wire to moto, whose shapes are those of AWS."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import boto3
import pytest
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

from credentials.envelope import Context
from credentials.master_keys.aws import KmsKey, connect_aws_master_key
from shared.errors import (
    CredentialTamperedError,
)

from .fake_kms import REGION

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("aws_account")]

CONTEXT = Context(
    org_id=UUID(int=1),
    provider_id=UUID(int=2),
    version=1,
    origin="https://api.openai.com",
)
OTHER_ROW = replace(CONTEXT, version=2)


@pytest.fixture(scope="module")
def moto_url() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def moto(moto_url: str) -> Any:
    """Administer moto's KMS."""
    return boto3.Session().client("kms", endpoint_url=moto_url, region_name=REGION)


@pytest.fixture
def moto_key(moto: Any, moto_url: str) -> KmsKey:
    alias = f"alias/{uuid4().hex}"
    moto.create_alias(AliasName=alias, TargetKeyId=_new_arn(moto))
    return KmsKey(alias=alias, region=REGION, endpoint_url=moto_url)


async def test_moto_wraps_and_unwraps(moto_key: KmsKey) -> None:
    async with connect_aws_master_key(moto_key) as master_key:
        made = await master_key.generate_data_key(CONTEXT)
        again = await master_key.wrap(made.plaintext, CONTEXT)

        assert made.stored.key_id == await master_key.current_key_id()
        assert made.stored.key_id.startswith(f"arn:aws:kms:{REGION}:")
        assert await master_key.unwrap(made.stored, CONTEXT) == made.plaintext
        assert await master_key.unwrap(again, CONTEXT) == made.plaintext
        with pytest.raises(CredentialTamperedError):
            await master_key.unwrap(made.stored, OTHER_ROW)


async def test_moto_rewraps_to_where_the_alias_points_now(
    moto: Any, moto_key: KmsKey
) -> None:
    async with connect_aws_master_key(moto_key) as master_key:
        made = await master_key.generate_data_key(CONTEXT)
    second = _new_arn(moto)
    moto.update_alias(AliasName=moto_key.alias, TargetKeyId=second)
    retiring = replace(moto_key, retired_arns=frozenset({made.stored.key_id}))

    async with connect_aws_master_key(retiring) as master_key:
        again = await master_key.rewrap(made.stored, CONTEXT)

        assert again.key_id == second
        assert await master_key.unwrap(again, CONTEXT) == made.plaintext


def _new_arn(moto: Any) -> str:
    arn: str = moto.create_key()["KeyMetadata"]["Arn"]
    return arn
