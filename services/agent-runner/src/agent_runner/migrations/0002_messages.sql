-- Threads, messages, and the outbox of records for metrics.

CREATE TABLE thread (
    id            uuid PRIMARY KEY,
    org_id        uuid NOT NULL,
    agent_id      uuid NOT NULL,
    next_position bigint NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL
);

-- No foreign key to agent: a message outlives its agent.
CREATE TABLE message (
    id            uuid PRIMARY KEY,
    org_id        uuid NOT NULL,
    agent_id      uuid NOT NULL,
    agent_type_id uuid NOT NULL,
    thread_id     uuid NOT NULL REFERENCES thread (id),
    position      bigint NOT NULL,
    content       text NOT NULL,
    status        text NOT NULL CHECK (status IN
        ('queued', 'running', 'completed', 'acknowledged', 'failed', 'cancelled')),
    attempt       integer NOT NULL DEFAULT 0,
    reply         text,
    usage         jsonb NOT NULL,
    explanation   jsonb,
    created_at    timestamptz NOT NULL,
    finished_at   timestamptz,
    UNIQUE (thread_id, position)
);

CREATE INDEX message_unfinished ON message (agent_id, id)
    WHERE status IN ('queued', 'running');
CREATE INDEX message_unfinished_in_thread ON message (thread_id, position)
    WHERE status IN ('queued', 'running');

-- One numbered source for metrics; numbers are given after the commit that wrote a row,
-- so that they have no gaps and a later number never becomes visible first.
CREATE TABLE outbox_source (
    id            uuid PRIMARY KEY,
    is_only       boolean NOT NULL DEFAULT true UNIQUE CHECK (is_only),
    last_sequence bigint NOT NULL
);

CREATE TABLE outbox (
    id       uuid PRIMARY KEY,
    org_id   uuid NOT NULL,
    payload  jsonb NOT NULL,
    sequence bigint UNIQUE
);

CREATE INDEX outbox_unnumbered ON outbox (id) WHERE sequence IS NULL;

REVOKE ALL ON outbox_source FROM agent_runner;
REVOKE ALL ON outbox FROM agent_runner;
GRANT INSERT ON outbox TO agent_runner;

ALTER TABLE thread ENABLE ROW LEVEL SECURITY;
ALTER TABLE thread FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON thread TO agent_runner
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON thread TO agent_runner_sweep USING (true) WITH CHECK (true);

ALTER TABLE message ENABLE ROW LEVEL SECURITY;
ALTER TABLE message FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON message TO agent_runner
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON message TO agent_runner_sweep USING (true) WITH CHECK (true);

ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON outbox TO agent_runner
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON outbox TO agent_runner_sweep USING (true) WITH CHECK (true);
