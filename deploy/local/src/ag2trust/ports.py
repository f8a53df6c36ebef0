"""Loopback ports: asked for, free, remembered."""

import os
import secrets
import socket
from pathlib import Path

from .errors import TakenError
from .private_files import write_private

__all__ = ["free_port", "is_listening", "remembered_port", "require_free"]

_HOST = "127.0.0.1"
_CONNECT_SECONDS = 1.0
_PORTS = range(20_000, 32_000)


def require_free(port: int, *, wanted_by: str, variable: str) -> None:
    """Raise `TakenError` unless *port* can be listened on."""
    if problem := _problem_with(port):
        raise TakenError(
            f"Port {port}, wanted by the {wanted_by}, cannot be used: {problem}. Stop "
            f"what has it, or choose another port in {variable}."
        )


def remembered_port(file: Path) -> int:
    """Return the port *file* remembers; if there is none, or it is taken, a new one."""
    remembered = int(file.read_text()) if file.exists() else 0
    if remembered and not _problem_with(remembered):
        return remembered
    port = free_port()
    write_private(file, f"{port}\n")
    return port


def free_port() -> int:
    """Return a port that is nobody's, and no other caller's while this process lives.

    It is none of those that systems give to outgoing connections: between our look and
    the bind of the server that wants it, or its next start, those may be taken.
    """
    while not _is_reserved(port := secrets.choice(_PORTS)):
        pass
    return port


def _is_reserved(port: int) -> bool:
    """Bind *port*, if nobody has, by a socket that stays open and never listens.

    Allowing reuse only after its own bind, it keeps out the next caller, who binds as
    strictly, but not the server that the port is for.
    """
    holder = socket.socket()
    try:
        holder.bind((_HOST, port))
    except OSError:
        holder.close()
        return False
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.detach()
    return True


def is_listening(port: int) -> bool:
    """Say whether somebody accepts connections on *port*."""
    try:
        socket.create_connection((_HOST, port), _CONNECT_SECONDS).close()
    except OSError:
        return False
    return True


def _problem_with(port: int) -> str | None:
    """Say why *port* cannot be bound; as servers bind, past sockets in TIME_WAIT."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((_HOST, port))
        except OSError as error:
            return os.strerror(error.errno or 0).lower()
    return None
