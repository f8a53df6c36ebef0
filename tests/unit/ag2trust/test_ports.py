"""Ports are looked at before anything is started on them."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ag2trust.errors import TakenError
from ag2trust.ports import free_port, is_listening, remembered_port, require_free


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_port_in_use_is_named_with_the_variable_that_changes_it(taken: int) -> None:
    with pytest.raises(TakenError, match=rf"Port {taken}, .* the gateway.*AG2TRUST_X"):
        require_free(taken, wanted_by="gateway", variable="AG2TRUST_X")


def test_a_free_port_is_fine() -> None:
    require_free(free_port(), wanted_by="gateway", variable="AG2TRUST_X")


def test_a_port_handed_out_is_kept_for_its_server_from_others_who_look() -> None:
    port = free_port()

    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))
    with socket.create_server(("127.0.0.1", port)):
        assert is_listening(port)


def test_a_port_is_remembered_while_it_is_free(tmp_path: Path) -> None:
    first = remembered_port(tmp_path / "port")

    assert remembered_port(tmp_path / "port") == first


def test_a_remembered_port_that_is_taken_is_replaced(
    tmp_path: Path, taken: int
) -> None:
    (tmp_path / "port").write_text(str(taken))

    found = remembered_port(tmp_path / "port")

    assert found != taken
    assert remembered_port(tmp_path / "port") == found


def test_listening_is_told_from_silence(taken: int) -> None:
    assert is_listening(taken)
    assert not is_listening(free_port())
