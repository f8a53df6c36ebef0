from shared.errors import (
    AppError,
    CredentialTamperedError,
    CredentialUnreadableError,
    error_from,
)


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
