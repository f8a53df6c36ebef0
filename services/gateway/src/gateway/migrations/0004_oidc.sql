-- Logins over an identity provider: those on their way, and by which subject somebody
-- is known there. Of states and cookies only hashes are known.

CREATE TABLE oidc_login (
    id           bytea PRIMARY KEY CHECK (octet_length(id) = 32),
    browser      bytea NOT NULL CHECK (octet_length(browser) = 32),
    nonce        text NOT NULL,
    verifier     text NOT NULL,
    organization text,
    expires_at   timestamptz NOT NULL
);

ALTER TABLE user_account ADD COLUMN oidc_subject text;

ALTER TABLE oidc_login ENABLE ROW LEVEL SECURITY;
ALTER TABLE oidc_login FORCE ROW LEVEL SECURITY;
CREATE POLICY sweep ON oidc_login TO gateway_sweep USING (true) WITH CHECK (true);
