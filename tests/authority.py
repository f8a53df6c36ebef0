"""An authority that vouches for nobody, to be trusted instead of the machine's.

A client reads all that it trusts before it asks anybody. The machine's authorities take
it a fortieth of a second each time, and vouch for none of those whom tests ask.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

__all__ = ["write_authority"]


def write_authority(file: Path) -> None:
    """Write its certificate as PEM; its key is gone."""
    key = Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "nobody")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, None)
    )
    file.write_bytes(certificate.public_bytes(Encoding.PEM))
