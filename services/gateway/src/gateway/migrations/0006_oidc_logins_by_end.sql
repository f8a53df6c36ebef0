-- Each new login takes away those that have ended, which are few among many in a flood.

CREATE INDEX oidc_login_by_end ON oidc_login (expires_at);
