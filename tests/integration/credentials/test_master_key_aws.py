"""The master key in AWS, over the wire to a KMS of our own, which can fail."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
import pytest_asyncio

from credentials.envelope import Context
from credentials.master_keys.aws import AwsMasterKey, KmsKey, connect_aws_master_key
from credentials.master_keys.local import LocalMasterKey
from credentials.master_keys.master_key import WrappedKey
from credentials.master_keys.ring import MasterKeyRing
from shared.errors import (
    AppError,
    CredentialTamperedError,
    CredentialWrongKeyError,
    MasterKeyUnavailableError,
)

from .fake_kms import ALIAS, REGION, FakeKms, Fault

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("aws_account")]

CONTEXT = Context(
    org_id=UUID(int=1),
    provider_id=UUID(int=2),
    version=1,
    origin="https://api.openai.com",
)
OTHER_ROW = replace(CONTEXT, version=2)
THROTTLED = Fault("ThrottlingException")
ANSWER_LOST = Fault(is_after_success=True)
SOON = timedelta(milliseconds=200)


@pytest.fixture
def key(kms: FakeKms) -> KmsKey:
    return KmsKey(alias=ALIAS, region=REGION, endpoint_url=kms.url)


@pytest_asyncio.fixture
async def master_key(key: KmsKey) -> AsyncIterator[AwsMasterKey]:
    async with connect_aws_master_key(key) as connected:
        yield connected


async def test_a_data_key_is_made_under_the_alias_and_stored_with_its_arn(
    kms: FakeKms, master_key: AwsMasterKey
) -> None:
    made = await master_key.generate_data_key(CONTEXT)

    assert len(made.plaintext) == 32
    assert made.stored.key_id == kms.first_arn
    assert made.plaintext not in made.stored.wrapped
    assert await master_key.unwrap(made.stored, CONTEXT) == made.plaintext
    assert await master_key.current_key_id() == kms.first_arn


async def test_kms_binds_a_data_key_to_what_the_row_says(
    kms: FakeKms, master_key: AwsMasterKey
) -> None:
    await master_key.generate_data_key(CONTEXT)

    assert kms.contexts == [
        {
            "service": "credentials",
            "organization": str(UUID(int=1)),
            "provider": str(UUID(int=2)),
            "version": "1",
            "origin": "https://api.openai.com",
        }
    ]


async def test_a_data_key_is_not_unwrapped_for_another_row(
    master_key: AwsMasterKey,
) -> None:
    made = await master_key.generate_data_key(CONTEXT)

    with pytest.raises(CredentialTamperedError):
        await master_key.unwrap(made.stored, OTHER_ROW)
    with pytest.raises(CredentialTamperedError):
        await master_key.rewrap(made.stored, OTHER_ROW)


async def test_a_changed_wrapping_is_noticed(master_key: AwsMasterKey) -> None:
    made = await master_key.generate_data_key(CONTEXT)
    changed = bytearray(made.stored.wrapped)
    changed[-1] ^= 1

    with pytest.raises(CredentialTamperedError):
        await master_key.unwrap(WrappedKey(bytes(changed), made.stored.key_id), CONTEXT)


async def test_a_key_that_nobody_allowed_is_not_even_asked(
    kms: FakeKms, master_key: AwsMasterKey
) -> None:
    foreign = kms.add_key()
    made = await master_key.generate_data_key(CONTEXT)

    with pytest.raises(CredentialWrongKeyError, match=foreign):
        await master_key.unwrap(WrappedKey(made.stored.wrapped, foreign), CONTEXT)

    assert "Decrypt" not in kms.asked


async def test_a_row_that_names_another_allowed_key_is_told(
    kms: FakeKms, key: KmsKey
) -> None:
    other = kms.add_key()

    async with connect_aws_master_key(
        replace(key, retired_arns=frozenset({other}))
    ) as master_key:
        made = await master_key.generate_data_key(CONTEXT)
        with pytest.raises(CredentialWrongKeyError, match=other):
            await master_key.unwrap(WrappedKey(made.stored.wrapped, other), CONTEXT)


async def test_a_retired_key_unwraps_and_one_taken_out_does_not(
    kms: FakeKms, key: KmsKey
) -> None:
    async with connect_aws_master_key(key) as master_key:
        made = await master_key.generate_data_key(CONTEXT)
    kms.point(kms.add_key())

    retiring = replace(key, retired_arns=frozenset({kms.first_arn}))
    async with connect_aws_master_key(retiring) as master_key:
        assert await master_key.unwrap(made.stored, CONTEXT) == made.plaintext
    async with connect_aws_master_key(key) as master_key:
        with pytest.raises(CredentialWrongKeyError):
            await master_key.unwrap(made.stored, CONTEXT)


async def test_an_alias_that_was_pointed_elsewhere_wraps_nothing(
    kms: FakeKms, key: KmsKey
) -> None:
    pinned = replace(key, arns=frozenset({kms.first_arn}))
    evil = kms.add_key()

    async with connect_aws_master_key(pinned) as master_key:
        made = await master_key.generate_data_key(CONTEXT)
        kms.point(evil)
        for asking in (
            master_key.generate_data_key(CONTEXT),
            master_key.rewrap(made.stored, CONTEXT),
            master_key.current_key_id(),
        ):
            with pytest.raises(MasterKeyUnavailableError, match=evil):
                await asking

        assert await master_key.unwrap(made.stored, CONTEXT) == made.plaintext


async def test_a_deleted_key_is_a_wrong_key_for_what_it_wrapped(
    kms: FakeKms, master_key: AwsMasterKey
) -> None:
    made = await master_key.generate_data_key(CONTEXT)
    kms.delete(kms.first_arn)

    with pytest.raises(CredentialWrongKeyError, match="no more"):
        await master_key.unwrap(made.stored, CONTEXT)
    with pytest.raises(MasterKeyUnavailableError, match="alias"):
        await master_key.generate_data_key(CONTEXT)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("DisabledException", "is disabled"),
        ("KMSInvalidStateException", "pending deletion"),
        ("AccessDeniedException", "does not let this service"),
        ("UnrecognizedClientException", "credentials of this service"),
        ("ExpiredTokenException", "credentials of this service"),
        ("SomethingNewException", "SomethingNewException"),
    ],
)
async def test_a_key_that_cannot_be_used_is_unavailable_until_it_can(
    kms: FakeKms, master_key: AwsMasterKey, code: str, sentence: str
) -> None:
    made = await master_key.generate_data_key(CONTEXT)
    kms.trouble(kms.first_arn, code)

    for asking in (
        master_key.unwrap(made.stored, CONTEXT),
        master_key.generate_data_key(CONTEXT),
        master_key.rewrap(made.stored, CONTEXT),
    ):
        with pytest.raises(MasterKeyUnavailableError, match=sentence) as raised:
            await asking
        assert raised.value.retry_after_seconds
        assert "told by AWS" not in raised.value.message

    kms.trouble(kms.first_arn, None)
    assert await master_key.unwrap(made.stored, CONTEXT) == made.plaintext


async def test_throttled_questions_are_asked_again(
    kms: FakeKms, master_key: AwsMasterKey
) -> None:
    kms.faults.extend([THROTTLED] * 2)

    await master_key.generate_data_key(CONTEXT)

    assert kms.asked == ["GenerateDataKey"] * 3


@pytest.mark.parametrize(
    "fault", [THROTTLED, Fault("KMSInternalException", 500), Fault("Unheard", 503)]
)
async def test_what_stays_busy_is_unavailable_and_says_when_to_come_back(
    kms: FakeKms, master_key: AwsMasterKey, fault: Fault
) -> None:
    kms.faults.extend([fault] * 3)

    with pytest.raises(MasterKeyUnavailableError, match="busy") as raised:
        await master_key.generate_data_key(CONTEXT)

    assert raised.value.retry_after_seconds == 5
    assert kms.asked == ["GenerateDataKey"] * 3


async def test_an_answer_that_is_lost_is_asked_for_again(
    kms: FakeKms, master_key: AwsMasterKey
) -> None:
    kms.faults.append(ANSWER_LOST)

    made = await master_key.generate_data_key(CONTEXT)

    assert kms.asked == ["GenerateDataKey"] * 2
    assert await master_key.unwrap(made.stored, CONTEXT) == made.plaintext


async def test_a_slow_kms_is_given_up_in_time(kms: FakeKms, key: KmsKey) -> None:
    kms.released.clear()

    async with connect_aws_master_key(key, within=SOON) as master_key:
        with pytest.raises(MasterKeyUnavailableError, match="does not answer"):
            await master_key.generate_data_key(CONTEXT)


async def test_a_kms_that_is_not_there_is_unavailable(key: KmsKey) -> None:
    nowhere = replace(key, endpoint_url="http://127.0.0.1:9")

    async with connect_aws_master_key(nowhere) as master_key:
        with pytest.raises(MasterKeyUnavailableError, match="does not answer"):
            await master_key.generate_data_key(CONTEXT)


async def test_without_credentials_of_aws_the_key_is_unavailable(
    key: KmsKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")

    async with connect_aws_master_key(key) as master_key:
        with pytest.raises(MasterKeyUnavailableError, match="no credentials"):
            await master_key.generate_data_key(CONTEXT)


async def test_a_kms_that_failed_again_and_again_is_left_in_peace(
    kms: FakeKms, key: KmsKey
) -> None:
    kms.released.clear()

    async with connect_aws_master_key(key, within=SOON) as master_key:
        for _ in range(5):
            with pytest.raises(MasterKeyUnavailableError, match="does not answer"):
                await master_key.generate_data_key(CONTEXT)
        asked = len(kms.asked)
        with pytest.raises(MasterKeyUnavailableError, match="not asked") as raised:
            await master_key.generate_data_key(CONTEXT)

    assert len(kms.asked) == asked
    assert raised.value.retry_after_seconds is not None
    assert 0 < raised.value.retry_after_seconds <= 10


async def test_a_key_that_is_disabled_keeps_no_other_question_back(
    kms: FakeKms, master_key: AwsMasterKey
) -> None:
    kms.trouble(kms.first_arn, "DisabledException")
    for _ in range(9):
        with pytest.raises(MasterKeyUnavailableError):
            await master_key.generate_data_key(CONTEXT)
    kms.point(kms.add_key())

    await master_key.generate_data_key(CONTEXT)


async def test_only_so_many_questions_are_asked_at_once(
    kms: FakeKms, master_key: AwsMasterKey
) -> None:
    kms.released.clear()

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        for _ in range(60):
            group.create_task(master_key.generate_data_key(CONTEXT))
        for _ in range(20):
            await kms.arrivals.acquire()
        kms.released.set()

    assert kms.most_at_once == 20
    assert len(kms.asked) == 60


async def test_a_rewrap_within_aws_never_shows_the_data_key(
    kms: FakeKms, key: KmsKey
) -> None:
    retiring = replace(key, retired_arns=frozenset({kms.first_arn}))

    async with connect_aws_master_key(retiring) as master_key:
        made = await master_key.generate_data_key(CONTEXT)
        second = kms.add_key()
        kms.point(second)
        again = await master_key.rewrap(made.stored, CONTEXT)

        assert kms.asked == ["GenerateDataKey", "ReEncrypt"]
        assert again.key_id == second
        assert await master_key.unwrap(again, CONTEXT) == made.plaintext


async def test_a_data_key_of_a_retired_file_moves_to_aws(
    kms: FakeKms, master_key: AwsMasterKey
) -> None:
    old = LocalMasterKey(b"o" * 32)
    made = await old.generate_data_key(CONTEXT)
    ring = MasterKeyRing(master_key, [old])

    again = await ring.rewrap(made.stored, CONTEXT)

    assert again.key_id == kms.first_arn
    assert await ring.unwrap(made.stored, CONTEXT) == made.plaintext
    assert await master_key.unwrap(again, CONTEXT) == made.plaintext


async def test_nothing_of_a_refusal_is_repeated(
    kms: FakeKms, master_key: AwsMasterKey
) -> None:
    kms.faults.append(Fault("AccessDeniedException"))

    with pytest.raises(AppError) as raised:
        await master_key.generate_data_key(CONTEXT)

    assert "ada" not in repr(vars(raised.value))


async def _logged(master_key: AwsMasterKey, caplog: pytest.LogCaptureFixture) -> str:
    """Turn every logger on, make a data key, and return all that was logged."""
    caplog.set_level(logging.DEBUG)
    for name in [*logging.root.manager.loggerDict]:
        caplog.set_level(logging.DEBUG, logger=name)
    caplog.clear()
    await master_key.generate_data_key(CONTEXT)
    return "\n".join(record.getMessage() for record in caplog.records)


async def test_no_log_level_shows_a_data_key(
    kms: FakeKms, master_key: AwsMasterKey, caplog: pytest.LogCaptureFixture
) -> None:
    logged = await _logged(master_key, caplog)

    [plaintext] = kms.plaintexts
    assert "withheld" in logged
    assert plaintext not in logged


async def test_the_sdk_would_show_it(
    kms: FakeKms, master_key: AwsMasterKey, caplog: pytest.LogCaptureFixture
) -> None:
    withholding = logging.getLogRecordFactory()
    logging.setLogRecordFactory(logging.LogRecord)
    try:
        logged = await _logged(master_key, caplog)
    finally:
        logging.setLogRecordFactory(withholding)

    [plaintext] = kms.plaintexts
    assert plaintext in logged
