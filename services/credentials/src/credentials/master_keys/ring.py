"""The master key in use, and the retired ones that unwrap until all is rewrapped.

How an operator rotates a local master key: write a new key file, name it in
`…_MASTER_KEY_FILE` and the old one in `…_RETIRED_MASTER_KEY_FILES`, restart, rewrap
(`POST /api/master-key/rewrap`), and when nothing is left under the old key take it out
of the setting and restart: from then on it is refused. To move to AWS, do the same
with `…_MASTER_KEY=aws`. Between keys of AWS: name the old ARN in
`…_RETIRED_MASTER_KEY_ARNS`, restart, point the alias to the new key, rewrap, and take
the ARN out again.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from credentials.envelope import Binding
from credentials.settings import Settings

from .aws import connect_aws_master_key
from .local import LocalMasterKey
from .master_key import DataKey, MasterKey, WrappedKey

__all__ = ["MasterKeyRing", "open_master_keys"]


class MasterKeyRing:
    """A `MasterKey` that wraps with *current* and still unwraps what *retired* did."""

    def __init__(
        self, current: MasterKey, retired: Sequence[LocalMasterKey] = ()
    ) -> None:
        self._current = current
        self._retired = {each.key_id: each for each in retired}

    async def current_key_id(self) -> str:
        return await self._current.current_key_id()

    async def generate_data_key(self, context: Binding) -> DataKey:
        return await self._current.generate_data_key(context)

    async def wrap(self, data_key: bytes, context: Binding) -> WrappedKey:
        return await self._current.wrap(data_key, context)

    async def unwrap(self, wrapped: WrappedKey, context: Binding) -> bytes:
        return await self._key_of(wrapped).unwrap(wrapped, context)

    async def rewrap(self, wrapped: WrappedKey, context: Binding) -> WrappedKey:
        key = self._key_of(wrapped)
        if key is self._current:
            return await self._current.rewrap(wrapped, context)
        return await self._current.wrap(await key.unwrap(wrapped, context), context)

    def _key_of(self, wrapped: WrappedKey) -> MasterKey:
        """Choose who shall unwrap; the current key refuses what nobody wrapped."""
        return self._retired.get(wrapped.key_id, self._current)


@asynccontextmanager
async def open_master_keys(settings: Settings) -> AsyncIterator[MasterKeyRing]:
    """Open the keys that *settings* name.

    Raises `MasterKeyUnavailableError` for a file that cannot be used; AWS is asked
    when there is something to ask.
    """
    retired = [
        LocalMasterKey.from_file(each) for each in settings.retired_master_key_files
    ]
    chosen = settings.chosen_master_key
    if isinstance(chosen, Path):
        yield MasterKeyRing(LocalMasterKey.from_file(chosen), retired)
        return
    async with connect_aws_master_key(chosen) as current:
        yield MasterKeyRing(current, retired)
