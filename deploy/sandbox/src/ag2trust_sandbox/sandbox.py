"""A running sandbox as a test sees it."""

import asyncio
from collections.abc import Collection, Mapping

from .key_pair import KeyPair
from .received import ReceivedRequest, ReceivedRequests
from .script import Script, Step

__all__ = ["Sandbox"]


class Sandbox:
    """What is answered next and what was asked so far.

    `accepted_keys`: None accepts any key that is not empty.
    """

    def __init__(
        self,
        *,
        port: int,
        accepted_keys: Collection[str] | None,
        accepted_key_pairs: Collection[KeyPair],
        remembered_requests: int,
    ) -> None:
        self._port = port
        self._accepted_keys = accepted_keys
        self._key_pairs = {pair.access_key_id: pair for pair in accepted_key_pairs}
        self._script = Script()
        self._received = ReceivedRequests(limit=remembered_requests)
        self._arrived = asyncio.Event()

    @property
    def port(self) -> int:
        return self._port

    @property
    def base_url(self) -> str:
        """What OpenAI's SDK takes as `base_url`, `/v1` included."""
        return f"{self._origin}/v1"

    @property
    def anthropic_base_url(self) -> str:
        """What Anthropic's SDK takes as `base_url`, without `/v1`."""
        return f"{self._origin}/anthropic"

    @property
    def bedrock_endpoint_url(self) -> str:
        """What boto3 takes as `endpoint_url`, for `bedrock-runtime` and `bedrock`."""
        return f"{self._origin}/bedrock"

    @property
    def key_pairs(self) -> Mapping[str, KeyPair]:
        """The pairs that may sign, by their access key id."""
        return self._key_pairs

    def play(self, *steps: Step) -> None:
        """Answer the next requests with *steps* instead of what was left to play.

        A request takes a step if its key is accepted and its form is right, whatever
        its endpoint; after the last step models are answered by name again.
        """
        self._script.replace(steps)

    @property
    def remaining_steps(self) -> tuple[Step, ...]:
        """Steps no request has taken yet; the first one's `repeat` counts down."""
        return self._script.remaining

    @property
    def requests(self) -> tuple[ReceivedRequest, ...]:
        """The latest requests, oldest first, refused ones included."""
        return self._received.latest

    @property
    def request_count(self) -> int:
        """How many requests came in, forgotten ones not counted."""
        return self._received.count

    def forget_requests(self) -> None:
        self._received.forget()

    async def wait_for_requests(self, count: int) -> None:
        """Return once *count* requests came in; `asyncio.timeout` bounds the wait."""
        while self.request_count < count:
            self._arrived.clear()
            await self._arrived.wait()

    def receive(self, request: ReceivedRequest) -> None:
        self._received.add(request)
        self._arrived.set()

    def take_step(self) -> Step | None:
        """Use up the script's answer to one request; None if it has none left."""
        return self._script.take()

    def accepts(self, key: str) -> bool:
        if self._accepted_keys is None:
            return bool(key)
        return key in self._accepted_keys

    @property
    def _origin(self) -> str:
        return f"http://127.0.0.1:{self._port}"
