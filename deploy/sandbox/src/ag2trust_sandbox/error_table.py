"""Which of a provider's errors a step stands for."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Generic, Protocol, TypeVar

from .script import Step

__all__ = ["ErrorTable"]


class _HasStatus(Protocol):
    @property
    def status(self) -> int: ...


Error = TypeVar("Error", bound=_HasStatus)


@dataclass(frozen=True, slots=True)
class ErrorTable(Generic[Error]):
    """A provider's errors: one for every `ErrorCode`, and some by status alone."""

    by_code: Mapping[str | None, Error]
    by_status: Mapping[int, Error]
    bad_request: Error
    server_error: Error

    def error_of(self, step: Step) -> Error:
        """Give what completes the step's error, be it one after a 200."""
        code = None if step.error is None else step.error.code
        if code in self.by_code:
            return self.by_code[code]
        if step.status is None or step.status == HTTPStatus.OK:
            return self.server_error
        is_server_error = step.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        default = self.server_error if is_server_error else self.bad_request
        return self.by_status.get(step.status, default)

    def status_of(self, step: Step) -> int:
        """Give the status of what takes the place of an answer; 200 for a raw body."""
        if step.status is not None:
            return step.status
        return HTTPStatus.OK if step.error is None else self.error_of(step).status
