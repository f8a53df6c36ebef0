"""Telling whoever reads along what an agent says, piece by piece, as it says it."""

from agent_runner.hosted_agents import MessageInHand
from agent_runner.masking import SecretMask, StreamMask
from shared.bus import Bus
from shared.contracts.conversations import MESSAGE_CHUNK, MessageChunk

__all__ = ["ReplyStream"]

_PIECE_CHARACTERS = 16_000


class ReplyStream:
    """One telling of a reply. What may become a secret is held back until it is none.

    A reply that is told a second time, from its beginning, leaves out an index: that
    is how readers see that what they have is not the beginning of this one.
    """

    def __init__(self, bus: Bus, in_hand: MessageInHand, secrets: SecretMask) -> None:
        self._bus = bus
        self._in_hand = in_hand
        self._mask = StreamMask(secrets)
        if in_hand.next_index:
            in_hand.next_index += 1

    async def say(self, text: str) -> None:
        """Pass a piece on, if anybody reads along."""
        if not self._in_hand.is_streamed:
            return
        settled = self._mask.feed(text.encode(errors="replace")).decode()
        for start in range(0, len(settled), _PIECE_CHARACTERS):
            await self._tell(settled[start : start + _PIECE_CHARACTERS])

    async def _tell(self, text: str) -> None:
        chunk = MessageChunk(
            message_id=self._in_hand.message_id,
            attempt=self._in_hand.attempt,
            index=self._in_hand.next_index,
            text=text,
        )
        self._in_hand.next_index += 1
        await self._bus.signal(MESSAGE_CHUNK, chunk, key=chunk.message_id)
