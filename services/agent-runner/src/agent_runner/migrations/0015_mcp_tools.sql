-- Tools of MCP servers that somebody approved, as they were described then.

CREATE TABLE mcp_tool (
    org_id       uuid NOT NULL,
    id           uuid NOT NULL,
    server_id    uuid NOT NULL,
    name         text NOT NULL,
    -- What models call it, which no other tool of the organization is called.
    told_as      text NOT NULL,
    description  text NOT NULL,
    input_schema jsonb NOT NULL CHECK (jsonb_typeof(input_schema) = 'object'),
    fingerprint  text NOT NULL,
    approved_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, id),
    CONSTRAINT mcp_tool_name_unique UNIQUE (org_id, server_id, name)
);

ALTER TABLE mcp_tool ENABLE ROW LEVEL SECURITY;
ALTER TABLE mcp_tool FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON mcp_tool TO agent_runner
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON mcp_tool TO agent_runner_sweep USING (true) WITH CHECK (true);
