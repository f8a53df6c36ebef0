-- Calls and messages, each counted once, and how far every source has been applied.
--
-- `call_id` is a UUIDv7, so a range of it is a stretch of time: `call` and `attempt`
-- can be partitioned by day with the primary keys they have.

CREATE TABLE sequence (
    source            uuid   PRIMARY KEY,
    applied_through   bigint NOT NULL DEFAULT 0,
    announced_through bigint NOT NULL DEFAULT 0,
    CHECK (0 <= announced_through AND announced_through <= applied_through)
);

CREATE TABLE call (
    call_id                uuid        PRIMARY KEY,
    org_id                 uuid        NOT NULL,
    source                 uuid        NOT NULL,
    sequence               bigint      NOT NULL,
    agent_id               uuid        NOT NULL,
    agent_type_id          uuid        NOT NULL,
    provider_id            uuid        NOT NULL,
    provider_type          text        NOT NULL,
    use_case               text,
    model                  text        NOT NULL,
    endpoint               text        NOT NULL,
    is_streamed            boolean     NOT NULL,
    message_id             uuid,
    runner                 text        NOT NULL,
    request_id             text        NOT NULL,
    status                 text        NOT NULL
        CHECK (status IN ('completed', 'failed', 'cancelled', 'interrupted')),
    http_status            integer,
    started_at             timestamptz NOT NULL,
    duration_ms            bigint      CHECK (duration_ms >= 0),
    time_to_first_token_ms bigint      CHECK (time_to_first_token_ms >= 0),
    input_tokens           bigint      CHECK (input_tokens >= 0),
    cached_input_tokens    bigint      CHECK (cached_input_tokens >= 0),
    output_tokens          bigint      CHECK (output_tokens >= 0),
    reasoning_tokens       bigint      CHECK (reasoning_tokens >= 0),
    usage_source           text        NOT NULL,
    explanation            jsonb,
    recorded_at            timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX call_by_organization ON call (org_id, call_id);
CREATE INDEX call_by_agent ON call (org_id, agent_id, call_id);
CREATE INDEX call_by_agent_and_time ON call (org_id, agent_id, started_at);
CREATE INDEX call_by_sequence ON call (source, sequence);

CREATE TABLE attempt (
    call_id     uuid        NOT NULL REFERENCES call,
    position    integer     NOT NULL,
    org_id      uuid        NOT NULL,
    attempt_id  uuid        NOT NULL,
    provider_id uuid        NOT NULL,
    model       text        NOT NULL,
    started_at  timestamptz NOT NULL,
    duration_ms bigint      NOT NULL CHECK (duration_ms >= 0),
    http_status integer,
    error_code  text,
    PRIMARY KEY (call_id, position)
);

CREATE TABLE message (
    message_id    uuid        PRIMARY KEY,
    org_id        uuid        NOT NULL,
    source        uuid        NOT NULL,
    sequence      bigint      NOT NULL,
    agent_id      uuid        NOT NULL,
    agent_type_id uuid        NOT NULL,
    status        text        NOT NULL
        CHECK (status IN ('completed', 'acknowledged', 'failed', 'cancelled')),
    finished_at   timestamptz NOT NULL,
    duration_ms   bigint      CHECK (duration_ms >= 0),
    recorded_at   timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX message_by_agent_and_time ON message (org_id, agent_id, finished_at);
CREATE INDEX message_by_sequence ON message (source, sequence);

-- What could not be counted, as it came: bytes, because text refuses NUL.
CREATE TABLE dead_letter (
    source   uuid        NOT NULL,
    sequence bigint      NOT NULL,
    payload  bytea       NOT NULL,
    reason   text        NOT NULL,
    at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, sequence)
);

-- A call in the words of the contract, its attempts in their order.
CREATE VIEW counted_call WITH (security_invoker = true) AS
SELECT
    call_id,
    org_id,
    source,
    sequence,
    agent_id,
    agent_type_id,
    provider_id,
    provider_type,
    use_case,
    model,
    endpoint,
    is_streamed,
    message_id,
    runner,
    request_id,
    status,
    http_status,
    started_at,
    duration_ms,
    time_to_first_token_ms,
    jsonb_build_object(
        'input_tokens', input_tokens,
        'cached_input_tokens', cached_input_tokens,
        'output_tokens', output_tokens,
        'reasoning_tokens', reasoning_tokens
    ) AS usage,
    usage_source,
    explanation,
    recorded_at,
    (
        SELECT coalesce(jsonb_agg(to_jsonb(attempt) ORDER BY attempt.position), '[]')
        FROM attempt
        WHERE attempt.call_id = call.call_id
    ) AS attempts
FROM call;

-- What was counted stays as it is; only sweeps count.
REVOKE ALL ON sequence, dead_letter FROM metrics;
REVOKE INSERT, UPDATE, DELETE ON call, attempt, message FROM metrics;
REVOKE UPDATE, DELETE ON call, attempt, message, dead_letter FROM metrics_sweep;

ALTER TABLE call ENABLE ROW LEVEL SECURITY;
ALTER TABLE call FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON call TO metrics
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON call TO metrics_sweep USING (true) WITH CHECK (true);

ALTER TABLE attempt ENABLE ROW LEVEL SECURITY;
ALTER TABLE attempt FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON attempt TO metrics
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON attempt TO metrics_sweep USING (true) WITH CHECK (true);

ALTER TABLE message ENABLE ROW LEVEL SECURITY;
ALTER TABLE message FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON message TO metrics
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON message TO metrics_sweep USING (true) WITH CHECK (true);
