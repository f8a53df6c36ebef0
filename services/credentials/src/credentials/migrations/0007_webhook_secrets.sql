-- The sealed URLs and signing secrets of webhooks, and leases of them to metrics.

CREATE TABLE webhook_secret (
    org_id        uuid NOT NULL,
    webhook_id    uuid NOT NULL,
    -- That of the URL; the secret is bound to it.
    origin        text NOT NULL,
    encrypted_key bytea NOT NULL,
    encrypted_dek bytea NOT NULL,
    master_key_id text NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, webhook_id)
);

CREATE TABLE webhook_lease (
    org_id     uuid NOT NULL,
    id         uuid NOT NULL,
    webhook_id uuid NOT NULL,
    nonce      bytea NOT NULL CONSTRAINT webhook_lease_nonce_unique UNIQUE,
    granted_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, webhook_id) REFERENCES webhook_secret (org_id, webhook_id)
        ON DELETE CASCADE
);

CREATE INDEX webhook_lease_by_secret ON webhook_lease (org_id, webhook_id);
CREATE INDEX webhook_lease_by_expiry ON webhook_lease (expires_at);

-- Every wrapped data key, whatever the secret is of, with what its binding is made of.
CREATE VIEW data_key WITH (security_invoker = true) AS
SELECT c.org_id, 'provider' AS object_kind, c.provider_id AS object_id, c.version,
       p.base_url AS bound_to, c.encrypted_key, c.encrypted_dek, c.master_key_id
FROM credential_version c
JOIN provider p ON p.org_id = c.org_id AND p.id = c.provider_id
UNION ALL
SELECT org_id, 'webhook', webhook_id, 1, origin, encrypted_key, encrypted_dek,
       master_key_id
FROM webhook_secret;

ALTER TABLE rewrap_failure RENAME COLUMN provider_id TO object_id;

ALTER TABLE webhook_secret ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_secret FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON webhook_secret TO credentials
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON webhook_secret TO credentials_sweep USING (true) WITH CHECK (true);

ALTER TABLE webhook_lease ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_lease FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON webhook_lease TO credentials
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON webhook_lease TO credentials_sweep USING (true) WITH CHECK (true);
