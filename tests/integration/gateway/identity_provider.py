"""An identity provider that lets in whoever it is told to, as OpenID Connect says."""

import base64
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import rsa

__all__ = ["FakeIdentityProvider", "serving_identity_provider"]

CLIENT = "ag2trust"


@dataclass
class FakeIdentityProvider:
    """*claims* are what the next token says beyond, or instead of, what it should.

    *endpoint_query* is one that its authorization endpoint has by itself.
    """

    issuer: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    key: rsa.RSAPrivateKey = field(
        default_factory=lambda: rsa.generate_private_key(65537, 2048)
    )
    signing_key: rsa.RSAPrivateKey | None = None
    key_id: str = "1"
    endpoint_query: str = ""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def consent(self, location: str) -> dict[str, str]:
        """Do as a person who agrees: return what the browser is sent back with."""
        asked = {
            name: value for name, [value] in parse_qs(urlsplit(location).query).items()
        }
        assert location.startswith(f"{self.issuer}/authorize?")
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def change_key(self) -> None:
        """Sign with another key from now on, as identity providers do now and then."""
        self.key, self.key_id = rsa.generate_private_key(65537, 2048), "2"

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._configuration)
        app.router.add_get("/keys", self._keys)
        app.router.add_post("/token", self._token)
        return app

    async def _configuration(self, _: web.Request) -> web.Response:
        authorize = f"{self.issuer}/authorize{self.endpoint_query}"
        return web.json_response(
            {
                "issuer": self.issuer,
                "authorization_endpoint": authorize,
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
            }
        )

    async def _keys(self, _: web.Request) -> web.Response:
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return web.json_response(
            {"keys": [{**public, "kid": self.key_id, "use": "sig"}]}
        )

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        asked = self.codes.pop(str(form["code"]), None)
        hashed = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        challenge = base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()
        if asked is None or asked["code_challenge"] != challenge:
            return web.json_response({"error": "invalid_grant"}, status=400)
        assert form["redirect_uri"] == asked["redirect_uri"]
        claims = {
            "iss": self.issuer,
            "sub": "subject-1",
            "aud": CLIENT,
            "iat": int(time.time()),
            "exp": int(time.time()) + 300,
            "nonce": asked["nonce"],
            "email": "Ada@example.com",
            "email_verified": True,
            **self.claims,
        }
        token = jwt.encode(
            {name: value for name, value in claims.items() if value is not None},
            self.signing_key or self.key,
            algorithm="RS256",
            headers={"kid": self.key_id},
        )
        return web.json_response({"id_token": token, "token_type": "Bearer"})


@asynccontextmanager
async def serving_identity_provider() -> AsyncIterator[FakeIdentityProvider]:
    provider = FakeIdentityProvider()
    async with TestServer(provider.app()) as server:
        provider.issuer = str(server.make_url("")).rstrip("/")
        yield provider
