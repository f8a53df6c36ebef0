-- Runners, agent types and agents. What should be; Docker knows what is.

CREATE TABLE runner (
    name         text PRIMARY KEY,
    epoch        bigint NOT NULL,
    heartbeat_at timestamptz NOT NULL
);

CREATE TABLE agent_type (
    id         uuid PRIMARY KEY,
    org_id     uuid NOT NULL,
    name       text NOT NULL,
    slug       text NOT NULL,
    version    integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT agent_type_name_unique UNIQUE (org_id, name),
    CONSTRAINT agent_type_slug_unique UNIQUE (org_id, slug)
);

-- A version never changes: running agents keep the one they started with.
CREATE TABLE agent_type_version (
    agent_type_id  uuid NOT NULL REFERENCES agent_type (id) ON DELETE CASCADE,
    version        integer NOT NULL,
    org_id         uuid NOT NULL,
    use_case       text,
    labels         jsonb NOT NULL,
    provider_id    uuid NOT NULL,
    model          text NOT NULL,
    allowed_models text[] NOT NULL CHECK (cardinality(allowed_models) > 0),
    system_prompt  text NOT NULL,
    temperature    double precision,
    max_tokens     integer,
    resources      jsonb NOT NULL,
    PRIMARY KEY (agent_type_id, version)
);

CREATE TABLE agent (
    id                 uuid PRIMARY KEY,
    org_id             uuid NOT NULL,
    name               text NOT NULL,
    agent_type_id      uuid NOT NULL REFERENCES agent_type (id),
    agent_type_version integer,
    desired_state      text NOT NULL CHECK (desired_state IN ('running', 'stopped')),
    status             text NOT NULL CHECK (status IN
        ('stopped', 'starting', 'running', 'ack_only', 'stopping', 'error')),
    status_reason      jsonb,
    -- Grows with every start and restart: a host whose agent has another one replaces it.
    incarnation        bigint NOT NULL DEFAULT 0,
    -- The host, and its epoch: a host of an older epoch writes nothing.
    runner             text REFERENCES runner (name),
    epoch              bigint,
    token_hash         bytea,
    -- Fences claims and releases of uses at the credentials service.
    use_generation     bigint NOT NULL DEFAULT 0,
    holds_use          boolean NOT NULL DEFAULT false,
    version            integer NOT NULL DEFAULT 1,
    created_at         timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL,
    started_at         timestamptz,
    CONSTRAINT agent_name_unique UNIQUE (org_id, name),
    CHECK (desired_state = 'stopped' OR runner IS NOT NULL)
);

CREATE INDEX agent_by_runner ON agent (runner);
CREATE INDEX agent_by_type ON agent (agent_type_id);

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

REVOKE UPDATE, DELETE ON audit FROM agent_runner, agent_runner_sweep;
REVOKE INSERT, UPDATE, DELETE ON runner FROM agent_runner;

ALTER TABLE agent_type ENABLE ROW LEVEL SECURITY;
ALTER TABLE agent_type FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON agent_type TO agent_runner
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON agent_type TO agent_runner_sweep USING (true) WITH CHECK (true);

ALTER TABLE agent_type_version ENABLE ROW LEVEL SECURITY;
ALTER TABLE agent_type_version FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON agent_type_version TO agent_runner
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON agent_type_version TO agent_runner_sweep
    USING (true) WITH CHECK (true);

ALTER TABLE agent ENABLE ROW LEVEL SECURITY;
ALTER TABLE agent FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON agent TO agent_runner
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON agent TO agent_runner_sweep USING (true) WITH CHECK (true);

ALTER TABLE audit ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON audit TO agent_runner
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON audit TO agent_runner_sweep USING (true) WITH CHECK (true);
