from pathlib import Path

import pytest
from tests.authority import write_authority

from ag2trust.authorities import authorities_of, require_certificates
from ag2trust.errors import WrongVariableError


def test_a_child_is_told_whose_certificates_to_trust_and_nothing_else() -> None:
    told = authorities_of(
        {"SSL_CERT_FILE": "/acme.pem", "SSL_CERT_DIR": "", "SSLKEYLOGFILE": "/keys"}
    )

    assert told == {"SSL_CERT_FILE": "/acme.pem"}


def test_a_file_with_a_certificate_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "acme.pem"
    write_authority(file)

    require_certificates({"SSL_CERT_FILE": str(file)})
    require_certificates({})


@pytest.mark.parametrize("content", [None, "", "-----BEGIN CERTIFICATE-----\n"])
def test_a_file_without_a_certificate_is_refused(
    tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "acme.pem"
    if content is not None:
        file.write_text(content)

    with pytest.raises(WrongVariableError, match=r"acme\.pem, of which no certificate"):
        require_certificates({"SSL_CERT_FILE": str(file)})
