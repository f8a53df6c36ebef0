-- Leases for one call that an operator asked for. On trial is a provider that is not
-- kept, so such a lease is of none.
ALTER TABLE lease
    ADD COLUMN purpose text NOT NULL DEFAULT 'agent'
        CHECK (purpose IN ('agent', 'test', 'models', 'trial')),
    ALTER COLUMN agent_id DROP NOT NULL,
    ALTER COLUMN provider_id DROP NOT NULL,
    ALTER COLUMN credential_version DROP NOT NULL,
    ADD CONSTRAINT lease_is_of_an_agent
        CHECK ((purpose = 'agent') = (agent_id IS NOT NULL)),
    ADD CONSTRAINT lease_is_of_a_provider
        CHECK ((purpose = 'trial') = (provider_id IS NULL)),
    ADD CONSTRAINT lease_is_of_a_version
        CHECK ((provider_id IS NULL) = (credential_version IS NULL));

ALTER TABLE lease ALTER COLUMN purpose DROP DEFAULT;
