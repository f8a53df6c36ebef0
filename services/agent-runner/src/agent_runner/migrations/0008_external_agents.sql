-- External agents run on no runner; where a provider's secret is; another agent type.

ALTER TABLE agent_type_version
    ADD COLUMN credential_delivery text NOT NULL DEFAULT 'environment'
        CHECK (credential_delivery IN ('environment', 'sealed')),
    ADD CHECK (runtime <> 'external' OR credential_delivery = 'sealed');
ALTER TABLE agent_type_version ALTER COLUMN credential_delivery DROP DEFAULT;

ALTER TABLE agent
    ADD COLUMN is_external boolean NOT NULL DEFAULT false,
    ADD CHECK (NOT (is_external AND runner IS NOT NULL)),
    -- The type it is to have from its next restart on.
    ADD COLUMN next_agent_type_id uuid REFERENCES agent_type (id);

CREATE INDEX agent_by_next_type ON agent (next_agent_type_id)
    WHERE next_agent_type_id IS NOT NULL;
CREATE UNIQUE INDEX external_agent_token ON agent (token_hash) WHERE is_external;

DROP INDEX agent_without_runner;
CREATE INDEX agent_without_runner ON agent (id)
    WHERE runner IS NULL AND desired_state = 'running' AND NOT is_external;

-- Who changed, in which order: runners read what follows the last number they know.
-- No foreign key to agent: that an agent is gone is a change, too.
CREATE TABLE external_agent_change (
    agent_id   uuid PRIMARY KEY,
    org_id     uuid NOT NULL,
    number     bigint NOT NULL UNIQUE,
    changed_at timestamptz NOT NULL
);

-- The last number given. Its row is locked until the change is committed, so that
-- numbers become visible in their order.
CREATE TABLE external_change_number (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    number  bigint NOT NULL
);
INSERT INTO external_change_number (number) VALUES (0);

ALTER TABLE external_agent_change ENABLE ROW LEVEL SECURITY;
ALTER TABLE external_agent_change FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON external_agent_change TO agent_runner
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON external_agent_change TO agent_runner_sweep
    USING (true) WITH CHECK (true);
