"""Whom an ID token is about, if it is for us and from whom we asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from shared.errors import LoginRefusedError

__all__ = ["Identified", "identified_by", "is_signed_by_one_of"]

_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384"]
_CLAIMS = ["iss", "sub", "aud", "exp", "iat", "nonce"]
_LEEWAY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Identified:
    """Somebody, as the issuer knows that one: *subject* never changes."""

    subject: str
    email: str


def identified_by(
    token: str,
    keys: Mapping[str, Any],
    *,
    issuer: str,
    client_id: str,
    nonce: str,
) -> Identified:
    """Validate an ID token (OpenID Connect Core 1.0, section 3.1.3.7).

    *keys* is the issuer's JWK set. Raises `LoginRefusedError`, also for an email that
    the issuer has not verified.
    """
    try:
        claims = jwt.decode(
            token,
            _key_of(token, keys),
            algorithms=_ALGORITHMS,
            audience=client_id,
            issuer=issuer,
            leeway=_LEEWAY_SECONDS,
            options={"require": _CLAIMS},
        )
    except jwt.PyJWTError as error:
        raise _refused() from error
    is_for_others_too = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if is_for_others_too and claims.get("azp") != client_id:
        raise _refused()
    if claims["nonce"] != nonce:
        raise _refused()
    return _identified(claims)


def is_signed_by_one_of(keys: Mapping[str, Any], token: str) -> bool:
    """Tell whether *keys* have the one that *token* names; verifies nothing."""
    try:
        _key_of(token, keys)
    except jwt.PyJWTError:
        return False
    return True


def _key_of(token: str, keys: Mapping[str, Any]) -> jwt.PyJWK:
    """Find the key that the token names; the only one if it names none."""
    key_set = jwt.PyJWKSet.from_dict(dict(keys))
    signing = [each for each in key_set.keys if each.public_key_use in {None, "sig"}]
    key_id = jwt.get_unverified_header(token).get("kid")
    named = [each for each in signing if key_id in {None, each.key_id}]
    if len(named) != 1:
        raise jwt.InvalidKeyError
    return named[0]


def _identified(claims: Mapping[str, Any]) -> Identified:
    email = claims.get("email")
    if not isinstance(email, str) or claims.get("email_verified") is not True:
        raise LoginRefusedError("The identity provider tells no email it has verified.")
    return Identified(subject=str(claims["sub"]), email=email.strip().lower())


def _refused() -> LoginRefusedError:
    return LoginRefusedError("The identity provider's answer is not what we asked for.")
