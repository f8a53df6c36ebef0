-- Jobs: what changes an organization's things step by step. The row is the record of how
-- far one is: whoever works at it holds a claim that ends by itself, and writes nothing
-- without it.

CREATE TABLE job (
    id             uuid PRIMARY KEY,
    org_id         uuid NOT NULL REFERENCES organization (id),
    status         text NOT NULL
        CHECK (status IN ('running', 'completed', 'failed', 'rolled_back')),
    -- The ids of the things that no other job may work on meanwhile.
    concerns       uuid[] NOT NULL,
    job            jsonb NOT NULL,
    version        integer NOT NULL,
    -- The version that was told in public last.
    told_version   integer NOT NULL DEFAULT 0,
    claim          uuid,
    claimed_until  timestamptz
);

CREATE INDEX job_at_work ON job (id) WHERE status = 'running' OR told_version < version;
CREATE INDEX job_of_organization ON job (org_id, id);

REVOKE DELETE ON job FROM gateway, gateway_sweep;

ALTER TABLE job ENABLE ROW LEVEL SECURITY;
ALTER TABLE job FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON job TO gateway
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON job TO gateway_sweep USING (true) WITH CHECK (true);
