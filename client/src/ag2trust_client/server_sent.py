"""Reading server-sent events (WHATWG HTML, section 9.2)."""

from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass

__all__ = ["ServerSent", "lines_of", "server_sent"]


@dataclass(frozen=True, slots=True)
class ServerSent:
    """*id* is the last one that was told, of this event or one before."""

    id: str | None
    name: str
    data: str


async def lines_of(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Give each whole line, however long; aiohttp's reader refuses long ones."""
    begun = b""
    async for chunk in chunks:
        *whole, begun = (begun + chunk).split(b"\n")
        for line in whole:
            yield line


async def server_sent(lines: AsyncIterable[bytes]) -> AsyncIterator[ServerSent]:
    """Give each whole event as it comes; one that is cut off is none."""
    last_id: str | None = None
    name, data = "", list[str]()
    async for line in lines:
        told = line.decode().rstrip("\r\n")
        field, _, value = told.partition(":")
        value = value.removeprefix(" ")
        if not told:
            if data:
                yield ServerSent(last_id, name or "message", "\n".join(data))
            name, data = "", []
        elif field == "event":
            name = value
        elif field == "data":
            data.append(value)
        elif field == "id":
            last_id = value
