-- Providers with their sealed secrets, the agents that use them, leases, and the audit.
-- Ids are unique within an organization, so that none can be taken from another one.

CREATE TABLE provider (
    org_id                 uuid NOT NULL,
    id                     uuid NOT NULL,
    name                   text NOT NULL,
    type                   text NOT NULL CHECK (type IN ('openai')),
    use_case               text,
    labels                 jsonb NOT NULL,
    base_url               text NOT NULL,
    limits                 jsonb NOT NULL,
    enabled                boolean NOT NULL,
    version                integer NOT NULL DEFAULT 1,
    -- A keyed hash of the submission that made the row: tells a repeat from another one.
    submission_fingerprint bytea NOT NULL,
    created_at             timestamptz NOT NULL DEFAULT now(),
    updated_at             timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, id),
    CONSTRAINT provider_name_unique UNIQUE (org_id, name)
);

-- A provider has one version of its secret: a new one overwrites the old one.
CREATE TABLE credential_version (
    org_id        uuid NOT NULL,
    provider_id   uuid NOT NULL,
    version       integer NOT NULL CHECK (version >= 1),
    encrypted_key bytea NOT NULL,
    encrypted_dek bytea NOT NULL,
    master_key_id text NOT NULL,
    hint          text,
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, provider_id),
    FOREIGN KEY (org_id, provider_id) REFERENCES provider (org_id, id) ON DELETE CASCADE
);

-- The last claim or release of an agent. The row stays as long as the agent may speak
-- again, so that a late message finds the generation that overtook it.
CREATE TABLE use_claim (
    org_id     uuid NOT NULL,
    agent_id   uuid NOT NULL,
    -- Null while the agent has only ever released.
    agent_name text,
    generation bigint NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, agent_id)
);

-- An agent depends on a provider: this alone keeps the provider from being deleted.
CREATE TABLE use (
    org_id      uuid NOT NULL,
    agent_id    uuid NOT NULL,
    provider_id uuid NOT NULL,
    PRIMARY KEY (org_id, agent_id, provider_id),
    FOREIGN KEY (org_id, agent_id) REFERENCES use_claim (org_id, agent_id)
        ON DELETE CASCADE,
    FOREIGN KEY (org_id, provider_id) REFERENCES provider (org_id, id)
        ON DELETE RESTRICT
);

CREATE INDEX use_by_provider ON use (org_id, provider_id);

-- A runner's right to a plaintext. The nonce is that of the signed request.
CREATE TABLE lease (
    org_id             uuid NOT NULL,
    id                 uuid NOT NULL,
    provider_id        uuid NOT NULL,
    agent_id           uuid NOT NULL,
    credential_version integer NOT NULL,
    runner             text NOT NULL,
    nonce              bytea NOT NULL CONSTRAINT lease_nonce_unique UNIQUE,
    granted_at         timestamptz NOT NULL,
    expires_at         timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, provider_id) REFERENCES provider (org_id, id) ON DELETE CASCADE
);

CREATE INDEX lease_by_provider ON lease (org_id, provider_id);
CREATE INDEX lease_by_expiry ON lease (expires_at);

CREATE TABLE audit (
    org_id      uuid NOT NULL,
    id          uuid NOT NULL,
    at          timestamptz NOT NULL DEFAULT now(),
    actor_kind  text NOT NULL,
    actor_id    text NOT NULL,
    act         text NOT NULL,
    object_kind text NOT NULL,
    object_id   uuid NOT NULL,
    details     jsonb NOT NULL,
    request_id  text,
    PRIMARY KEY (org_id, id)
);

REVOKE UPDATE, DELETE ON audit FROM credentials, credentials_sweep;

ALTER TABLE provider ENABLE ROW LEVEL SECURITY;
ALTER TABLE provider FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON provider TO credentials
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON provider TO credentials_sweep USING (true) WITH CHECK (true);

ALTER TABLE credential_version ENABLE ROW LEVEL SECURITY;
ALTER TABLE credential_version FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON credential_version TO credentials
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON credential_version TO credentials_sweep USING (true) WITH CHECK (true);

ALTER TABLE use_claim ENABLE ROW LEVEL SECURITY;
ALTER TABLE use_claim FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON use_claim TO credentials
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON use_claim TO credentials_sweep USING (true) WITH CHECK (true);

ALTER TABLE use ENABLE ROW LEVEL SECURITY;
ALTER TABLE use FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON use TO credentials
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON use TO credentials_sweep USING (true) WITH CHECK (true);

ALTER TABLE lease ENABLE ROW LEVEL SECURITY;
ALTER TABLE lease FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON lease TO credentials
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON lease TO credentials_sweep USING (true) WITH CHECK (true);

ALTER TABLE audit ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON audit TO credentials
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON audit TO credentials_sweep USING (true) WITH CHECK (true);
