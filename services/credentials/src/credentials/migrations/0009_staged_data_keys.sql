-- The data keys of staged secrets are data keys, too: a staged secret may take its
-- provider's place after the master key that wrapped it is taken out. What a secret is of
-- and what it is bound to are two things there.

CREATE OR REPLACE VIEW data_key WITH (security_invoker = true) AS
SELECT c.org_id, 'provider' AS object_kind, c.provider_id AS object_id, c.version,
       p.base_url AS bound_to, c.encrypted_key, c.encrypted_dek, c.master_key_id,
       c.provider_id AS bound_id
FROM credential_version c
JOIN provider p ON p.org_id = c.org_id AND p.id = c.provider_id
UNION ALL
SELECT r.org_id, 'rotation', r.id, r.version, p.base_url, r.encrypted_key,
       r.encrypted_dek, r.master_key_id, r.provider_id
FROM rotation r
JOIN provider p ON p.org_id = r.org_id AND p.id = r.provider_id
WHERE r.state = 'staged'
UNION ALL
SELECT org_id, 'webhook', webhook_id, 1, origin, encrypted_key, encrypted_dek,
       master_key_id, webhook_id
FROM webhook_secret
UNION ALL
SELECT org_id, 'mcp_server', id, token_version, url, encrypted_key, encrypted_dek,
       master_key_id, id
FROM mcp_server
WHERE encrypted_key IS NOT NULL;
