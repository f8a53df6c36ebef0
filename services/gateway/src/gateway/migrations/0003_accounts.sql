-- People, the links that let them in for the first time, their sessions, and what
-- narrows an API key. Of passwords, links and sessions only hashes are known.

-- Not "user": unquoted, that is the name of who asks.
CREATE TABLE user_account (
    id            uuid PRIMARY KEY,
    org_id        uuid NOT NULL REFERENCES organization (id),
    email         text NOT NULL CHECK (email = lower(email)),
    name          text,
    role          text NOT NULL CHECK (role IN ('owner', 'admin', 'operator', 'viewer')),
    password_hash text,
    is_enabled    boolean NOT NULL DEFAULT true,
    version       integer NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    last_login_at timestamptz,
    UNIQUE (org_id, email)
);

CREATE INDEX user_account_email ON user_account (email);

-- Without a user it makes the first owner of its organization.
CREATE TABLE invitation (
    id         uuid PRIMARY KEY,
    org_id     uuid NOT NULL REFERENCES organization (id),
    user_id    uuid REFERENCES user_account (id) ON DELETE CASCADE,
    hash       bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);

CREATE INDEX invitation_of_user ON invitation (user_id);

CREATE TABLE session (
    id         uuid PRIMARY KEY,
    org_id     uuid NOT NULL REFERENCES organization (id),
    user_id    uuid NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    hash       bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    user_agent text,
    address    text,
    created_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);

CREATE INDEX session_of_user ON session (user_id);

-- How often somebody tried to log in lately; the id is a hash of an email or an address.
CREATE TABLE login_attempt (
    id         bytea PRIMARY KEY CHECK (octet_length(id) = 32),
    began_at   timestamptz NOT NULL,
    attempts   integer NOT NULL
);

ALTER TABLE api_key
    ADD COLUMN scopes       text[],
    ADD COLUMN expires_at   timestamptz,
    ADD COLUMN last_used_at timestamptz;

ALTER TABLE organization
    ADD COLUMN version    integer NOT NULL DEFAULT 1,
    ADD COLUMN updated_at timestamptz;

GRANT UPDATE (name, version, updated_at) ON organization TO gateway;

ALTER TABLE user_account ENABLE ROW LEVEL SECURITY;
ALTER TABLE user_account FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON user_account TO gateway
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON user_account TO gateway_sweep USING (true) WITH CHECK (true);

ALTER TABLE invitation ENABLE ROW LEVEL SECURITY;
ALTER TABLE invitation FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON invitation TO gateway
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON invitation TO gateway_sweep USING (true) WITH CHECK (true);

ALTER TABLE session ENABLE ROW LEVEL SECURITY;
ALTER TABLE session FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON session TO gateway
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON session TO gateway_sweep USING (true) WITH CHECK (true);

-- It has no organization: whoever tries is not known yet.
ALTER TABLE login_attempt ENABLE ROW LEVEL SECURITY;
ALTER TABLE login_attempt FORCE ROW LEVEL SECURITY;
CREATE POLICY sweep ON login_attempt TO gateway_sweep USING (true) WITH CHECK (true);
