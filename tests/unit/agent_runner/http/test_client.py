"""Our requests to a server made of bytes."""

import asyncio
import gzip
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiohappyeyeballs import AddrInfoType
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ag2trust.waiting import until
from agent_runner.http.answer import Answer
from agent_runner.http.client import Client, Origin, Resolve, connecting
from agent_runner.http.client_connection import ClientConnection
from agent_runner.http.deadlines import Deadlines, watching_deadlines
from agent_runner.http.errors import (
    BrokenAnswerError,
    ConnectingFailedError,
    ForbiddenAddressError,
    MalformedAnswerError,
    SilentError,
)
from agent_runner.http.turn import Turn

WITHIN_SECONDS = 20
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"


@dataclass
class Heard:
    """One connection of ours, as the server has it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def request(self) -> bytes:
        """Read a whole request."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        return head + await self.reader.readexactly(length)

    async def until_left(self) -> None:
        try:
            while await self.reader.read(65536):
                pass
        except ConnectionError:
            return


@dataclass
class Provider:
    origin: Origin
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    was_asked: asyncio.Event = field(default_factory=asyncio.Event)
    was_left: asyncio.Event = field(default_factory=asyncio.Event)

    async def until_asked(self) -> None:
        async with asyncio.timeout(WITHIN_SECONDS):
            await self.was_asked.wait()

    async def until_left(self) -> None:
        async with asyncio.timeout(WITHIN_SECONDS):
            await self.was_left.wait()


Serve = Callable[[Provider, Heard], Awaitable[None]]


def saying(*answers: bytes, closes: bool = False) -> Serve:
    """Answer the requests of each connection one after another, then stay or go."""

    async def serve(provider: Provider, heard: Heard) -> None:
        for answer in answers:
            provider.requests.append(await heard.request())
            provider.was_asked.set()
            heard.writer.write(answer)
        if not closes:
            await heard.until_left()

    return serve


@asynccontextmanager
async def provider(
    serve: Serve, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[Provider]:
    opened = Provider(Origin(is_tls=False, host="", port=0, authority=b""))

    async def connected(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        opened.connections += 1
        try:
            await serve(opened, Heard(reader, writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            opened.was_left.set()
            writer.close()

    server = await asyncio.start_server(connected, host, 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    opened.origin = Origin(
        is_tls=tls is not None, host=host, port=port, authority=b"provider.example"
    )
    async with server:
        yield opened


@asynccontextmanager
async def client(
    *,
    allow_private: bool = True,
    silence: timedelta = timedelta(days=1),
    resolve: Resolve | None = None,
) -> AsyncIterator[Client]:
    async with (
        watching_deadlines() as deadlines,
        connecting(
            deadlines=deadlines,
            allow_private=allow_private,
            silence=silence,
            resolve=resolve,
        ) as opened,
    ):
        yield opened


def asking(client: Client, origin: Origin, *, method: bytes = b"POST") -> "Asked":
    return Asked(client, origin, method)


@dataclass
class Asked:
    client: Client
    origin: Origin
    method: bytes

    async def __aenter__(self) -> Answer:
        self._asking = self.client.asking(
            self.origin,
            method=self.method,
            target=b"/v1/x",
            fields=[(b"x-one", b"1")],
            body=b"body",
        )
        return await self._asking.__aenter__()

    async def __aexit__(self, *error: object) -> None:
        await self._asking.__aexit__(None, None, None)


async def whole(answer: Answer) -> bytes:
    body = bytearray()
    async with asyncio.timeout(WITHIN_SECONDS):
        while data := await answer.read():
            body += data
    return bytes(body)


async def asked(client: Client, origin: Origin, *, method: bytes = b"POST") -> bytes:
    async with asking(client, origin, method=method) as answer:
        return await whole(answer)


async def read_into(body: bytearray, client: Client, origin: Origin) -> None:
    """Read slowly, so that the end is there before all of it is read."""
    async with asking(client, origin) as answer:
        while data := await answer.read():
            body += data
            for _ in range(10):
                await asyncio.sleep(0)


async def test_a_request_is_sent_as_it_is_and_answered() -> None:
    async with (
        provider(saying(OK)) as server,
        client() as ours,
        asking(ours, server.origin) as answer,
    ):
        assert answer.status == 200
        assert answer.fields == [(b"content-length", b"2")]
        assert await whole(answer) == b"hi"

    assert b"".join(server.requests) == (
        b"POST /v1/x HTTP/1.1\r\nhost: provider.example\r\nx-one: 1\r\n"
        b"content-length: 4\r\n\r\nbody"
    )


async def test_a_connection_is_used_again() -> None:
    async with provider(saying(OK, OK, OK)) as server, client() as ours:
        for _ in range(3):
            assert await asked(ours, server.origin) == b"hi"

        assert server.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b"connection: close\r\ncontent-length: 2\r\n\r\nhi",
        b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nhi",
        OK + b"surplus",
        OK + OK,
        OK + b"\x00",
    ],
)
async def test_a_connection_that_may_not_be_used_again_is_not(answer: bytes) -> None:
    async with provider(saying(answer)) as server, client() as ours:
        for _ in range(2):
            assert await asked(ours, server.origin) == b"hi"

        assert server.connections == 2


async def test_an_answer_that_nobody_asked_for_is_nobodys() -> None:
    said_more = asyncio.Event()

    async def serve(provider: Provider, heard: Heard) -> None:
        provider.requests.append(await heard.request())
        heard.writer.write(OK)
        await said_more.wait()
        if provider.connections == 1:
            heard.writer.write(OK.replace(b"hi", b"no"))
        await heard.until_left()

    async with provider(serve) as server, client() as ours:
        assert await asked(ours, server.origin) == b"hi"
        said_more.set()
        await server.until_left()

        assert await asked(ours, server.origin) == b"hi"


async def test_a_server_that_left_while_nobody_asked_is_not_asked_again() -> None:
    async def serve(provider: Provider, heard: Heard) -> None:
        provider.requests.append(await heard.request())
        heard.writer.write(OK)

    async with provider(serve) as server, client() as ours:
        for _ in range(3):
            assert await asked(ours, server.origin) == b"hi"
            await until("nothing open", lambda: ours._open, lambda left: not left)

        assert server.connections == 3


async def leaving_at_the_second(provider: Provider, heard: Heard) -> None:
    """Keep the connection, and let go of it just as it is asked again."""
    provider.requests.append(await heard.request())
    heard.writer.write(OK)
    if provider.connections == 1:
        provider.requests.append(await heard.request())
        return
    await heard.until_left()


async def test_what_may_be_sent_twice_is_sent_again_where_a_server_left() -> None:
    async with provider(leaving_at_the_second) as server, client() as ours:
        await asked(ours, server.origin, method=b"GET")

        assert await asked(ours, server.origin, method=b"GET") == b"hi"

        assert len(server.requests) == 3


async def test_what_may_have_been_taken_is_not_sent_again() -> None:
    async with provider(leaving_at_the_second) as server, client() as ours:
        await asked(ours, server.origin)

        with pytest.raises(BrokenAnswerError):
            await asked(ours, server.origin)

        assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (CHUNKED + b"2\r\nhi\r\n0\r\n\r\n", b"hi"),
        (CHUNKED + b"1;a=b\r\nh\r\n1\r\ni\r\n0\r\nX: y\r\n\r\n", b"hi"),
        (HEAD + b"\r\nhi", b"hi"),
        (b"HTTP/1.0 200 OK\r\n\r\nhi", b"hi"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, b"hi"),
        (b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK, b"hi"),
        (b"HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nhi", b"hi"),
    ],
)
async def test_every_way_to_end_an_answer_is_understood(
    answer: bytes, body: bytes
) -> None:
    async with provider(saying(answer, closes=True)) as server, client() as ours:
        assert await asked(ours, server.origin) == body


async def test_hints_before_the_answer_are_no_part_of_it() -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
    async with (
        provider(saying(hints + OK)) as server,
        client() as ours,
        asking(ours, server.origin) as answer,
    ):
        assert answer.status == 200
        assert answer.fields == [(b"content-length", b"2")]


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/2 200\r\n\r\n",
        HEAD + b"content-length: 1\r\ncontent-length: 2\r\n\r\nhi",
        HEAD + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"transfer-encoding: gzip\r\n\r\nhi",
        HEAD + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        HEAD
        + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"x: a\r\n b\r\ncontent-length: 2\r\n\r\nhi",
        HEAD + b"x: a\nb: c\r\ncontent-length: 2\r\n\r\nhi",
        HEAD + b"x: a\0b\r\ncontent-length: 2\r\n\r\nhi",
        HEAD + b"x: a\x7fb\r\ncontent-length: 2\r\n\r\nhi",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 100 + OK,
        HEAD + b"x: " + b"x" * 70_000,
        HEAD + b"x: " + b"x" * 70_000 + b"\r\n\r\n",
        HEAD + b"x: y\r\n" * 300 + b"\r\n",
        HEAD + b"content-encoding: br\r\ncontent-length: 2\r\n\r\nhi",
    ],
)
async def test_what_is_no_clear_answer_is_none(answer: bytes) -> None:
    async with provider(saying(answer)) as server, client() as ours:
        with pytest.raises(MalformedAnswerError):
            await asked(ours, server.origin)

        await server.until_left()


@pytest.mark.parametrize(
    ("answer", "came"),
    [
        (b"", b""),
        (b"HTTP/1.1 200 OK\r\ncontent-le", b""),
        (HEAD + b"content-length: 3\r\n\r\nhi", b"hi"),
        (CHUNKED + b"2\r\nhi\r\n", b"hi"),
        (CHUNKED + b"2\r\nhi\r\n0\r\n", b"hi"),
    ],
)
async def test_an_answer_that_breaks_off_gives_what_came_and_then_fails(
    answer: bytes, came: bytes
) -> None:
    body = bytearray()
    async with provider(saying(answer, closes=True)) as server, client() as ours:
        with pytest.raises(BrokenAnswerError):
            await read_into(body, ours, server.origin)

    assert body == came


async def test_a_long_answer_that_breaks_off_is_given_as_far_as_it_came() -> None:
    sent = [b"%x\r\n%b\r\n" % (1000, b"%06d" % n + b"x" * 994) for n in range(2000)]
    answer = CHUNKED + b"".join(sent)
    body = bytearray()
    async with provider(saying(answer, closes=True)) as server, client() as ours:
        with pytest.raises(BrokenAnswerError):
            await read_into(body, ours, server.origin)

    assert len(body) == 2_000_000


@pytest.mark.parametrize("said", [b"", CHUNKED + b"2\r\nhi\r\n"])
async def test_a_server_that_falls_silent_is_left(said: bytes) -> None:
    async with (
        provider(saying(said)) as server,
        client(silence=timedelta(seconds=0.2)) as ours,
    ):
        with pytest.raises(SilentError):
            await asked(ours, server.origin)

        await server.until_left()


async def test_leaving_an_answer_ends_it_for_the_server_too() -> None:
    async with provider(saying(CHUNKED + b"2\r\nhi\r\n")) as server, client() as ours:
        async with asking(ours, server.origin) as answer:
            assert await answer.read() == b"hi"

        await server.until_left()


async def test_going_away_before_the_answer_ends_it_for_the_server_too() -> None:
    async with provider(saying(b"")) as server, client() as ours:
        task = asyncio.ensure_future(asked(ours, server.origin))
        await server.until_asked()

        task.cancel()

        await server.until_left()


async def test_an_answer_that_is_not_read_slows_the_server_down() -> None:
    written = 0

    async def endless(_: Provider, heard: Heard) -> None:
        nonlocal written
        await heard.request()
        heard.writer.write(CHUNKED)
        while True:
            heard.writer.write(b"10000\r\n%b\r\n" % (b"x" * 65536))
            await heard.writer.drain()
            written += 65536

    async with (
        provider(endless) as server,
        client() as ours,
        asking(ours, server.origin) as answer,
    ):
        for _ in range(1000):
            await asyncio.sleep(0)
        unread = written

        # The kernel's buffers and two of ours; else it would have no end.
        assert unread < 32 * 1024 * 1024
        read = 0
        while read <= unread:
            read += len(await answer.read())


class Wire(asyncio.Transport):
    """A transport that takes everything, and remembers whether it is read from."""

    def __init__(self) -> None:
        super().__init__()
        self.is_read = True

    def is_closing(self) -> bool:
        return False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Have nobody who would see it."""

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(
        self, high: int | None = None, low: int | None = None
    ) -> None:
        """Have no buffer that it would limit."""

    def pause_reading(self) -> None:
        self.is_read = False

    def resume_reading(self) -> None:
        self.is_read = True


async def test_a_connection_that_rests_is_read_also_if_its_answer_was_not() -> None:
    wire = Wire()
    connection = ClientConnection(
        deadlines=Deadlines(), silence_seconds=1, forget=lambda _: None, turn=Turn()
    )
    connection.connection_made(wire)
    answer = Answer(connection)
    connection.ask(b"GET / HTTP/1.1\r\n\r\n", b"", answer)
    connection.data_received(HEAD + b"content-length: 100000\r\n\r\n" + bytes(100_000))
    was_read = wire.is_read

    rests = connection.rest(seconds=30)

    assert (was_read, rests, wire.is_read) == (False, True, True)


async def test_an_answer_before_the_whole_request_is_read_and_ends_the_connection() -> (
    None
):
    async def serve(_: Provider, heard: Heard) -> None:
        await heard.reader.readuntil(b"\r\n\r\n")
        heard.writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno")
        await heard.until_left()

    async with provider(serve) as server, client() as ours:
        large = bytes(32 * 1024 * 1024)
        async with ours.asking(
            server.origin, method=b"POST", target=b"/", fields=[], body=large
        ) as answer:
            assert answer.status == 413
            assert await whole(answer) == b"no"

        await server.until_left()


@pytest.mark.parametrize(
    ("coding", "encoded"),
    [
        (b"gzip", gzip.compress(b"hello" * 1000, mtime=0)),
        (b"GZIP", gzip.compress(b"hello" * 1000, mtime=0)),
        (b"deflate", zlib.compress(b"hello" * 1000)),
        (b"identity", b"hello" * 1000),
    ],
)
async def test_an_answer_that_came_compressed_is_given_as_it_was(
    coding: bytes, encoded: bytes
) -> None:
    head = HEAD + b"content-encoding: %b\r\ncontent-length: %d\r\n\r\n"
    answer = head % (coding, len(encoded)) + encoded
    async with provider(saying(answer)) as server, client() as ours:
        assert await asked(ours, server.origin) == b"hello" * 1000


async def test_a_small_answer_that_is_large_inside_is_given_in_pieces() -> None:
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    head = HEAD + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(bomb)
    size = largest = 0
    async with (
        provider(saying(head + bomb)) as server,
        client() as ours,
        asking(ours, server.origin) as answer,
    ):
        while data := await answer.read():
            size += len(data)
            largest = max(largest, len(data))

    assert size == 64 * 1024 * 1024
    assert largest <= 256 * 1024


async def test_an_answer_that_is_not_compressed_as_it_says_is_none() -> None:
    answer = HEAD + b"content-encoding: gzip\r\ncontent-length: 2\r\n\r\nhi"
    async with provider(saying(answer)) as server, client() as ours:
        with pytest.raises(MalformedAnswerError):
            await asked(ours, server.origin)


async def test_a_compressed_answer_that_lacks_its_end_is_broken() -> None:
    encoded = gzip.compress(b"hello" * 1000, mtime=0)[:-9]
    head = HEAD + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n"
    async with provider(saying(head % len(encoded) + encoded)) as server, client() as c:
        with pytest.raises(BrokenAnswerError):
            await asked(c, server.origin)


def names(*addresses: str) -> Resolve:
    """Resolve every name to the same addresses, as an attacker's server would."""

    async def resolve(_: str, port: int) -> Sequence[AddrInfoType]:
        return [
            (
                socket.AF_INET6 if ip_address(each).version == 6 else socket.AF_INET,
                socket.SOCK_STREAM,
                socket.IPPROTO_TCP,
                "",
                (each, port, 0, 0) if ":" in each else (each, port),
            )
            for each in addresses
        ]

    return resolve


@pytest.mark.parametrize("allow_private", [False, True])
@pytest.mark.parametrize(
    "addresses",
    [["169.254.169.254"], ["169.254.169.254", "fe80::1"], ["::ffff:169.254.169.254"]],
)
async def test_a_forbidden_address_is_never_connected_to(
    addresses: list[str], *, allow_private: bool
) -> None:
    async with client(allow_private=allow_private, resolve=names(*addresses)) as ours:
        with pytest.raises(ForbiddenAddressError):
            await asked(ours, Origin(False, "provider.example", 80, b"x"))  # noqa: FBT003


@pytest.mark.parametrize(("allow_private", "connections"), [(False, 0), (True, 1)])
async def test_a_private_address_is_reached_only_where_that_is_allowed(
    *, allow_private: bool, connections: int
) -> None:
    async with (
        provider(saying(OK), host="127.0.0.2") as server,
        client(allow_private=allow_private, resolve=names("127.0.0.2")) as ours,
    ):
        if allow_private:
            await asked(ours, server.origin)
        else:
            with pytest.raises(ForbiddenAddressError):
                await asked(ours, server.origin)

        assert server.connections == connections


async def test_a_good_address_beside_others_is_used() -> None:
    async with provider(saying(OK), host="127.0.0.2") as server:
        resolve = names("169.254.169.254", "127.0.0.3", "127.0.0.2")
        async with client(resolve=resolve) as ours:
            assert await asked(ours, server.origin) == b"hi"


async def test_an_address_where_nobody_listens_is_no_connection() -> None:
    async with client() as ours:
        with pytest.raises(ConnectingFailedError):
            await asked(ours, Origin(False, "127.0.0.1", 1, b"x"))  # noqa: FBT003


async def test_a_connection_that_ends_before_it_is_used_is_none() -> None:
    async with provider(saying(closes=True)) as server, client() as ours:
        connection = await ours.connect(server.origin)
        await until(
            "an end", lambda: connection.is_ready, lambda is_ready: not is_ready
        )

        with pytest.raises(ConnectingFailedError):
            connection.ask(b"GET / HTTP/1.1\r\n\r\n", b"", Answer(connection))


async def test_a_name_without_an_address_is_no_connection() -> None:
    async def nowhere(_: str, __: int) -> Sequence[AddrInfoType]:
        raise socket.gaierror(socket.EAI_NONAME, "not known")

    async with client(resolve=nowhere) as ours:
        with pytest.raises(ConnectingFailedError):
            await asked(ours, Origin(True, "provider.example", 443, b"x"))  # noqa: FBT003


def certificate(folder: Path, host: str) -> ssl.SSLContext:
    """Make a server's TLS context; its certificate signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
    )
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context


@pytest.mark.parametrize(
    ("host", "is_trusted", "works"),
    [
        ("provider.example", True, True),
        ("provider.example", False, False),
        ("other.example", True, False),
    ],
)
async def test_a_server_is_spoken_to_only_with_a_certificate_of_its_own(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    host: str,
    *,
    is_trusted: bool,
    works: bool,
) -> None:
    tls = certificate(tmp_path, host)
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    async with (
        provider(saying(OK, OK), tls=tls) as server,
        client(resolve=names("127.0.0.1")) as ours,
    ):
        origin = server.origin._replace(host="provider.example")
        if works:
            assert await asked(ours, origin) == b"hi"
            assert await asked(ours, origin) == b"hi"
            assert server.connections == 1
        else:
            with pytest.raises(ConnectingFailedError):
                await asked(ours, origin)
            assert server.requests == []
