-- Tool calls of agents, as their runners recorded them.

CREATE TABLE tool_call (
    tool_call_id  uuid        PRIMARY KEY,
    org_id        uuid        NOT NULL,
    source        uuid        NOT NULL,
    sequence      bigint      NOT NULL,
    agent_id      uuid        NOT NULL,
    agent_type_id uuid        NOT NULL,
    message_id    uuid        NOT NULL,
    tool          text        NOT NULL,
    status        text        NOT NULL
        CHECK (status IN ('completed', 'failed', 'refused', 'cancelled')),
    code          text,
    started_at    timestamptz NOT NULL,
    duration_ms   bigint      NOT NULL CHECK (duration_ms BETWEEN 0 AND 1e12),
    recorded_at   timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX tool_call_by_agent_and_time ON tool_call (org_id, agent_id, started_at);
CREATE INDEX tool_call_by_sequence ON tool_call (source, sequence);

-- What was counted stays as it is; only sweeps count.
REVOKE INSERT, UPDATE, DELETE ON tool_call FROM metrics;
REVOKE UPDATE, DELETE ON tool_call FROM metrics_sweep;

ALTER TABLE tool_call ENABLE ROW LEVEL SECURITY;
ALTER TABLE tool_call FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON tool_call TO metrics
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON tool_call TO metrics_sweep USING (true) WITH CHECK (true);
