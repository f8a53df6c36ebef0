-- Organizations, the keys that open them, and who did what.

CREATE TABLE organization (
    id         uuid PRIMARY KEY,
    name       text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL
);

-- Only the SHA-256 of a key is known. The prefix is for people to tell keys apart; the
-- first key has none, because the gateway has never seen it.
CREATE TABLE api_key (
    id         uuid PRIMARY KEY,
    org_id     uuid NOT NULL REFERENCES organization (id),
    name       text NOT NULL,
    role       text NOT NULL CHECK (role IN ('owner', 'admin', 'operator', 'viewer')),
    hash       bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    prefix     text,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);

-- A revoked key's name is free again.
CREATE UNIQUE INDEX api_key_name_unique ON api_key (org_id, name)
    WHERE revoked_at IS NULL;

CREATE TABLE audit (
    id          uuid PRIMARY KEY,
    org_id      uuid NOT NULL,
    at          timestamptz NOT NULL,
    actor_kind  text NOT NULL,
    actor_id    text NOT NULL,
    act         text NOT NULL,
    object_kind text NOT NULL,
    object_id   uuid NOT NULL
);

REVOKE UPDATE, DELETE ON audit FROM gateway, gateway_sweep;
REVOKE INSERT, UPDATE, DELETE ON organization FROM gateway;
REVOKE DELETE ON api_key FROM gateway, gateway_sweep;

ALTER TABLE organization ENABLE ROW LEVEL SECURITY;
ALTER TABLE organization FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON organization TO gateway
    USING (id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON organization TO gateway_sweep USING (true) WITH CHECK (true);

ALTER TABLE api_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_key FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON api_key TO gateway
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON api_key TO gateway_sweep USING (true) WITH CHECK (true);

ALTER TABLE audit ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON audit TO gateway
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON audit TO gateway_sweep USING (true) WITH CHECK (true);
