"""The list of failures: as drawn, without doubles, and the same on both sides."""

import re
from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus

import pytest

from shared import errors
from shared.errors import (
    AppError,
    CredentialTamperedError,
    CredentialUnreadableError,
    LimitedError,
    NotFoundError,
    UnavailableError,
    error_from,
)

_DRAWN = re.compile(r"^(?P<lead>[ │├└]*)(?P<name>\w+) +(?:\d{3} )?(?P<code>[A-Z_]+)$")
_STATUS = re.compile(r" (\d{3}) [A-Z_]+$")


def _published() -> list[type[AppError]]:
    """Every class of the module, in the order of the file."""
    return [
        each
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, AppError)
    ]


def _drawn() -> Iterator[tuple[str, str | None, int, str]]:
    """Read the drawing: name, parent, status (its own or its parent's), code."""
    above: list[tuple[str, int]] = []
    for line in (errors.__doc__ or "").splitlines():
        if not (found := _DRAWN.match(line)):
            continue
        depth = (len(found["lead"]) + 1) // 3
        del above[depth:]
        parent, inherited = above[-1] if above else (None, 0)
        own = _STATUS.search(line)
        status = int(own[1]) if own else inherited
        above.append((found["name"], status))
        yield found["name"], parent, status, found["code"]


def test_the_drawn_tree_is_the_tree_of_classes() -> None:
    classes = {
        (
            each.__name__,
            each.__base__.__name__ if each is not AppError and each.__base__ else None,
            int(each.status),
            each.code,
        )
        for each in _published()
    }

    assert set(_drawn()) == classes


def test_every_class_is_exported() -> None:
    assert {each.__name__ for each in _published()} | {"error_from"} == set(
        errors.__all__
    )


def test_a_code_means_one_class_under_its_status() -> None:
    used = Counter((each.code, each.status) for each in _published())

    assert [pair for pair, times in used.items() if times > 1] == []


def test_a_status_has_one_family() -> None:
    families = Counter(
        each.status for each in AppError.__subclasses__() if each in _published()
    )
    del families[HTTPStatus.INTERNAL_SERVER_ERROR]

    assert set(families.values()) == {1}


@pytest.mark.parametrize("kind", _published(), ids=lambda kind: kind.__name__)
def test_every_error_comes_back_as_what_it_was(kind: type[AppError]) -> None:
    raised = kind("What and which.", details={"id": 1}, retry_after_seconds=2.5)

    back = error_from(
        code=raised.code,
        status=int(raised.status),
        message=raised.message,
        details=raised.details,
        retry_after_seconds=raised.retry_after_seconds,
    )

    assert type(back) is kind
    assert (back.code, back.status) == (kind.code, kind.status)
    assert (back.message, str(back)) == ("What and which.", "What and which.")
    assert (back.details, back.retry_after_seconds) == ({"id": 1}, 2.5)


@pytest.mark.parametrize(
    ("status", "family"),
    [(404, NotFoundError), (429, LimitedError), (503, UnavailableError)],
)
def test_an_unknown_code_falls_back_to_its_family_and_is_passed_on(
    status: int, family: type[AppError]
) -> None:
    error = error_from(code="OF_A_LATER_VERSION", status=status, message="New.")

    assert type(error) is family
    assert error.code == "OF_A_LATER_VERSION"
    assert family.code != "OF_A_LATER_VERSION"


@pytest.mark.parametrize("status", [0, 200, 418, 599, 10_000])
def test_an_unknown_status_is_an_internal_error(status: int) -> None:
    error = error_from(code="OF_A_LATER_VERSION", status=status, message="New.")

    assert type(error) is AppError
    assert error.status is HTTPStatus.INTERNAL_SERVER_ERROR


def test_a_known_code_under_another_status_is_of_the_family_of_the_status() -> None:
    error = error_from(code="PROVIDER_IN_USE", status=404, message="Odd.")

    assert type(error) is NotFoundError


def test_an_error_does_not_share_its_details_with_whoever_raised_it() -> None:
    given = {"id": "1"}
    error = AppError("Broken.", details=given)
    given["id"] = "2"

    assert error.details == {"id": "1"}


def test_an_internal_error_comes_back_as_itself() -> None:
    error = error_from(code="INTERNAL_ERROR", status=500, message="Broken.")

    assert type(error) is AppError


def test_a_code_of_500_comes_back_as_its_class() -> None:
    error = error_from(code="CREDENTIAL_TAMPERED", status=500, message="Changed.")

    assert type(error) is CredentialTamperedError
    assert isinstance(error, CredentialUnreadableError)


def test_an_unknown_code_of_500_keeps_its_code() -> None:
    error = error_from(code="NEW_TROUBLE", status=500, message="New.")

    assert type(error) is AppError
    assert error.code == "NEW_TROUBLE"
