"""What the credentials service answers about its master key.

The master key is of the whole installation, and so is what is done with it; the audit
entry of an act is kept for the organization of who did it.
"""

from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime

from .base import Actor, Endpoint, Message, Question, Service

__all__ = [
    "FREEZE",
    "GET_MASTER_KEY",
    "GET_REWRAP",
    "START_REWRAP",
    "UNFREEZE",
    "MasterKeyState",
    "Rewrap",
    "RewrapQuestion",
    "RewrapStatus",
    "StartRewrap",
]


class RewrapStatus(StrEnum):
    """How a rewrap is, or how it ended.

    *failed*: done with all but some that are unreadable. *superseded*: the master key
    became another one, and another rewrap was started for it.
    """

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    SUPERSEDED = "superseded"


class Rewrap(Message):
    """A job that brings every data key under the master key *master_key_id*.

    Of *total* data keys that were under others when it began, *rewrapped* are done and
    *unreadable* could not be; *remaining* counts what is under others now.
    """

    id: UUID
    kind: Literal["master_key.rewrap"] = "master_key.rewrap"
    status: RewrapStatus
    master_key_id: str
    total: int
    rewrapped: int
    unreadable: int
    remaining: int
    started_at: AwareDatetime
    finished_at: AwareDatetime | None


class MasterKeyState(Message):
    """Which key wraps now, what the data keys are under, and whether all is frozen.

    *master_key_id* is None while the key cannot be asked. *data_keys* counts them by
    the id of the master key that wrapped them: one that counts none may be taken out.
    """

    master_key_id: str | None
    data_keys: dict[str, int]
    frozen_at: AwareDatetime | None
    frozen_by: Actor | None
    rewrap: Rewrap | None


class StartRewrap(Question):
    """*rewrap_id* is made by the asker; while one runs, that one is the answer."""

    rewrap_id: UUID


class RewrapQuestion(Question):
    rewrap_id: UUID


_GATEWAY = frozenset({Service.GATEWAY})

GET_MASTER_KEY = Endpoint(
    "credentials.v1.get_master_key", Question, MasterKeyState, askers=_GATEWAY
)
START_REWRAP = Endpoint(
    "credentials.v1.start_rewrap", StartRewrap, Rewrap, askers=_GATEWAY
)
GET_REWRAP = Endpoint(
    "credentials.v1.get_rewrap", RewrapQuestion, Rewrap, askers=_GATEWAY
)
FREEZE = Endpoint("credentials.v1.freeze", Question, MasterKeyState, askers=_GATEWAY)
UNFREEZE = Endpoint(
    "credentials.v1.unfreeze", Question, MasterKeyState, askers=_GATEWAY
)
