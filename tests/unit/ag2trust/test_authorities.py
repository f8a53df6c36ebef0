from ag2trust.authorities import authorities_of


def test_a_child_is_told_whose_certificates_to_trust_and_nothing_else() -> None:
    told = authorities_of(
        {"SSL_CERT_FILE": "/acme.pem", "SSL_CERT_DIR": "", "SSLKEYLOGFILE": "/keys"}
    )

    assert told == {"SSL_CERT_FILE": "/acme.pem"}
