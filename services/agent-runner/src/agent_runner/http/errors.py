"""What goes wrong on the way out and back, as the operating system's exceptions.

OSError
 ├ ConnectionError
 │  ├ ConnectingFailedError     nobody answers at any address
 │  ├ BrokenAnswerError         the connection ended before the answer did
 │  └ MalformedAnswerError      what came is no HTTP/1.1, or could be read two ways
 ├ TimeoutError
 │  ├ ConnectingTimedOutError   no connection stood in time
 │  └ SilentError               nothing came for too long
 └ ForbiddenAddressError        the name leads where nothing may be reached
"""

__all__ = [
    "BrokenAnswerError",
    "ConnectingFailedError",
    "ConnectingTimedOutError",
    "ForbiddenAddressError",
    "MalformedAnswerError",
    "SilentError",
]


class ConnectingFailedError(ConnectionError):
    """No address took a connection, or TLS could not be agreed on."""


class BrokenAnswerError(ConnectionError):
    """The connection ended before the answer did."""


class MalformedAnswerError(ConnectionError):
    """What came is no HTTP/1.1, or two clients could read it differently."""


class ConnectingTimedOutError(TimeoutError):
    """No connection stood in time, name and TLS included."""


class SilentError(TimeoutError):
    """Nothing came for longer than an answer may be silent."""


class ForbiddenAddressError(OSError):
    """The host name led to an address that must not be reached."""
