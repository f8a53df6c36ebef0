"""Reading server-sent events (WHATWG HTML, section 9.2)."""

from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass

__all__ = ["ServerSent", "server_sent"]


@dataclass(frozen=True, slots=True)
class ServerSent:
    """*id* is the last one that was told, of this event or one before."""

    id: str | None
    name: str
    data: str


async def server_sent(lines: AsyncIterable[bytes]) -> AsyncIterator[ServerSent]:
    """Give each whole event as it comes; one that is cut off is none."""
    last_id: str | None = None
    name, data = "", list[str]()
    async for line in lines:
        field, _, value = line.decode().rstrip("\r\n").partition(":")
        value = value.removeprefix(" ")
        if not field and not value:
            if data:
                yield ServerSent(last_id, name or "message", "\n".join(data))
            name, data = "", []
        elif field == "event":
            name = value
        elif field == "data":
            data.append(value)
        elif field == "id":
            last_id = value
