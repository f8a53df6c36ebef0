"""Logging in at somebody else's: OpenID Connect 1.0 with a code and PKCE."""
