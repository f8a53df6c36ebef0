import asyncio
import socket

from shared.listeners import stop_listening


async def test_who_is_accepted_as_their_listener_closes_is_served() -> None:
    """Timers that are due run after what the loop heard of in the same turn."""

    def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"welcome")
        writer.close()

    listener = await asyncio.start_server(greet, "127.0.0.1")
    loop = listener.get_loop()
    with socket.create_connection(listener.sockets[0].getsockname()) as client:
        loop.call_at(loop.time(), stop_listening, listener)

        async with asyncio.timeout(20):
            reader, writer = await asyncio.open_connection(sock=client)
            assert await reader.read() == b"welcome"
        writer.close()

    assert not listener.is_serving()


async def test_who_comes_after_that_is_refused() -> None:
    listener = await asyncio.start_server(lambda *_: None, "127.0.0.1")
    address = listener.sockets[0].getsockname()

    stop_listening(listener)
    await listener.wait_closed()

    with socket.socket() as client:
        assert client.connect_ex(address) != 0
