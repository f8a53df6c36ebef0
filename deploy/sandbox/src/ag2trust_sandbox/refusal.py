"""How a request is refused whatever the script says."""

from .script import ErrorDetail, Step

__all__ = ["RefusalError", "mismatch"]


class RefusalError(Exception):
    """The request is answered with *step*, an error, in the format it came in."""

    def __init__(self, step: Step) -> None:
        super().__init__(step.status)
        self.step = step


def mismatch(problem: str) -> RefusalError:
    """Say that the script's step cannot answer what was asked."""
    detail = ErrorDetail(
        message=f"The script's step {problem}.", code="sandbox_script_mismatch"
    )
    return RefusalError(Step(status=400, error=detail))
