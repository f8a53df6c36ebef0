"""Rotating a local master key: the old file unwraps until it is taken out."""

from uuid import UUID

import pytest

from credentials.envelope import Context
from credentials.master_keys.local import LocalMasterKey
from credentials.master_keys.ring import MasterKeyRing
from shared.errors import CredentialWrongKeyError

CONTEXT = Context(
    org_id=UUID(int=1), provider_id=UUID(int=2), version=1, origin="https://one.example"
)
OLD = LocalMasterKey(b"o" * 32)
NEW = LocalMasterKey(b"n" * 32)


@pytest.fixture
def ring() -> MasterKeyRing:
    return MasterKeyRing(NEW, [OLD])


async def test_new_data_keys_are_wrapped_by_the_current_key(
    ring: MasterKeyRing,
) -> None:
    made = await ring.generate_data_key(CONTEXT)

    assert made.stored.key_id == NEW.key_id == await ring.current_key_id()


async def test_what_a_retired_key_wrapped_is_still_unwrapped(
    ring: MasterKeyRing,
) -> None:
    made = await OLD.generate_data_key(CONTEXT)

    assert await ring.unwrap(made.stored, CONTEXT) == made.plaintext


async def test_a_rewrapped_data_key_needs_the_retired_key_no_more(
    ring: MasterKeyRing,
) -> None:
    made = await OLD.generate_data_key(CONTEXT)

    again = await ring.rewrap(made.stored, CONTEXT)

    assert again.key_id == NEW.key_id
    assert await MasterKeyRing(NEW).unwrap(again, CONTEXT) == made.plaintext


async def test_a_key_that_was_taken_out_is_refused_by_name() -> None:
    made = await OLD.generate_data_key(CONTEXT)

    with pytest.raises(CredentialWrongKeyError, match=OLD.key_id):
        await MasterKeyRing(NEW).unwrap(made.stored, CONTEXT)
    with pytest.raises(CredentialWrongKeyError, match=OLD.key_id):
        await MasterKeyRing(NEW).rewrap(made.stored, CONTEXT)
