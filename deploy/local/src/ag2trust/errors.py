"""Why the launcher gives up, each with the exit code of its kind (sysexits.h)."""

import os

__all__ = [
    "BackupUnusableError",
    "DiskFullError",
    "HomeUnusableError",
    "LaunchError",
    "NoInstallationError",
    "NotRunningError",
    "ServerFailedError",
    "TakenError",
    "WrongVariableError",
]


class LaunchError(Exception):
    """The message is what the person at the screen reads: what, why, what to do."""

    exit_code: int = os.EX_SOFTWARE


class WrongVariableError(LaunchError):
    """An `AG2TRUST_…` variable cannot be used."""

    exit_code = os.EX_CONFIG


class TakenError(LaunchError):
    """A port or a home is in use by somebody else."""

    exit_code = os.EX_UNAVAILABLE


class HomeUnusableError(LaunchError):
    """The state folder cannot be written, or is of a newer version."""

    exit_code = os.EX_CANTCREAT


class DiskFullError(LaunchError):
    """There is no room for what has to be written."""

    exit_code = os.EX_CANTCREAT

    def __init__(self) -> None:
        super().__init__("The disk is full. Make room on it, then try again.")


class BackupUnusableError(LaunchError):
    """A backup is damaged, of a newer version, or the keys given are not its own."""

    exit_code = os.EX_DATAERR


class ServerFailedError(LaunchError):
    """A server or service did not come up; the message ends with its last words."""


class NoInstallationError(LaunchError):
    """The state folder holds no installation."""

    exit_code = os.EX_NOINPUT


class NotRunningError(LaunchError):
    """What has to run does not answer."""

    exit_code = os.EX_UNAVAILABLE
