"""What is said where the service has no credentials of AWS to ask KMS with."""

from collections.abc import Callable
from pathlib import Path

import pytest

from credentials.master_keys.aws import KmsKey, connect_aws_master_key
from shared.errors import MasterKeyUnavailableError

from .fake_kms import ALIAS, REGION, FakeKms

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("aws_account")]


WITHOUT = "This service has no credentials of AWS"
UNREADABLE = "it cannot read the file that AWS_SHARED_CREDENTIALS_FILE names"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have no keys in the environment, and AWS's file here."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return tmp_path / "credentials"


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        # Nobody can read a folder as a file, an administrator neither.
        pytest.param(Path.mkdir, f"{WITHOUT}: {UNREADABLE}.", id="unreadable"),
        pytest.param(Path.touch, f"{WITHOUT}.", id="empty"),
        pytest.param(Path.exists, f"{WITHOUT}.", id="not there"),
    ],
)
async def test_a_file_that_cannot_be_read_is_told_from_one_without_credentials(
    kms: FakeKms, file: Path, prepare: Callable[[Path], object], said: str
) -> None:
    prepare(file)
    key = KmsKey(alias=ALIAS, region=REGION, endpoint_url=kms.url)

    async with connect_aws_master_key(key) as master_key:
        with pytest.raises(MasterKeyUnavailableError) as refused:
            await master_key.current_key_id()

    assert refused.value.message == said


@pytest.fixture
def malformed(file: Path) -> Path:
    file.write_text("aws_access_key_id is AKIAIOSFODNN7EXAMPLE\n")
    return file


async def test_a_file_that_is_none_of_aws_is_named_at_the_start(
    kms: FakeKms, malformed: Path
) -> None:
    key = KmsKey(alias=ALIAS, region=REGION, endpoint_url=kms.url)

    with pytest.raises(MasterKeyUnavailableError) as refused:
        async with connect_aws_master_key(key):
            pass

    assert refused.value.message == (
        f"{WITHOUT}: the file {malformed} is not as AWS's tools write it."
    )
