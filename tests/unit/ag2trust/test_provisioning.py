"""PostgreSQL gets verifiers, not passwords."""

import base64
import hashlib
import hmac

from ag2trust.provisioning import ROLES, scram_verifier


def test_the_verifier_proves_the_server_of_rfc_7677() -> None:
    """RFC 7677 §3: the example exchange of SCRAM-SHA-256, password `pencil`."""
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    exchanged = (
        "n=user,r=rOprNGfwEbeRWgbNEkqO,"
        f"r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
        f"c=biws,r={nonce}"
    )

    verifier = scram_verifier("pencil", salt)

    server_key = base64.b64decode(verifier.rpartition(":")[2])
    signature = hmac.digest(server_key, exchanged.encode(), hashlib.sha256)
    expected = "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    assert base64.b64encode(signature).decode() == expected


def test_every_service_has_three_roles() -> None:
    assert len(set(ROLES)) == 12
    assert {"credentials", "credentials_sweep", "credentials_owner"} <= set(ROLES)
