-- MCP servers with their sealed tokens, which agents use them, and leases to runners.

CREATE TABLE mcp_server (
    org_id                 uuid NOT NULL,
    id                     uuid NOT NULL,
    submission_fingerprint bytea NOT NULL,
    name                   text NOT NULL,
    url                    text NOT NULL,
    -- That of the row when the token was sealed, to which it is bound.
    token_version          integer,
    token_hint             text,
    encrypted_key          bytea,
    encrypted_dek          bytea,
    master_key_id          text,
    version                integer NOT NULL DEFAULT 1,
    created_at             timestamptz NOT NULL DEFAULT now(),
    updated_at             timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, id),
    CONSTRAINT mcp_server_name_unique UNIQUE (org_id, name),
    CONSTRAINT mcp_server_token_whole CHECK (
        num_nulls(token_version, encrypted_key, encrypted_dek, master_key_id) IN (0, 4)
    )
);

CREATE TABLE mcp_use (
    org_id    uuid NOT NULL,
    agent_id  uuid NOT NULL,
    server_id uuid NOT NULL,
    PRIMARY KEY (org_id, agent_id, server_id),
    FOREIGN KEY (org_id, agent_id) REFERENCES use_claim (org_id, agent_id),
    CONSTRAINT mcp_use_of_server
        FOREIGN KEY (org_id, server_id) REFERENCES mcp_server (org_id, id)
);

CREATE INDEX mcp_use_by_server ON mcp_use (org_id, server_id);

CREATE TABLE mcp_lease (
    org_id     uuid NOT NULL,
    id         uuid NOT NULL,
    server_id  uuid NOT NULL,
    agent_id   uuid,
    runner     text NOT NULL,
    nonce      bytea NOT NULL CONSTRAINT mcp_lease_nonce_unique UNIQUE,
    granted_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, server_id) REFERENCES mcp_server (org_id, id) ON DELETE CASCADE
);

CREATE INDEX mcp_lease_by_server ON mcp_lease (org_id, server_id);
CREATE INDEX mcp_lease_by_expiry ON mcp_lease (expires_at);

CREATE OR REPLACE VIEW data_key WITH (security_invoker = true) AS
SELECT c.org_id, 'provider' AS object_kind, c.provider_id AS object_id, c.version,
       p.base_url AS bound_to, c.encrypted_key, c.encrypted_dek, c.master_key_id
FROM credential_version c
JOIN provider p ON p.org_id = c.org_id AND p.id = c.provider_id
UNION ALL
SELECT org_id, 'webhook', webhook_id, 1, origin, encrypted_key, encrypted_dek,
       master_key_id
FROM webhook_secret
UNION ALL
SELECT org_id, 'mcp_server', id, token_version, url, encrypted_key, encrypted_dek,
       master_key_id
FROM mcp_server
WHERE encrypted_key IS NOT NULL;

ALTER TABLE mcp_server ENABLE ROW LEVEL SECURITY;
ALTER TABLE mcp_server FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON mcp_server TO credentials
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON mcp_server TO credentials_sweep USING (true) WITH CHECK (true);

ALTER TABLE mcp_use ENABLE ROW LEVEL SECURITY;
ALTER TABLE mcp_use FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON mcp_use TO credentials
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON mcp_use TO credentials_sweep USING (true) WITH CHECK (true);

ALTER TABLE mcp_lease ENABLE ROW LEVEL SECURITY;
ALTER TABLE mcp_lease FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON mcp_lease TO credentials
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON mcp_lease TO credentials_sweep USING (true) WITH CHECK (true);
