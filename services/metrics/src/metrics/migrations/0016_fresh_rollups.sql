-- What was counted a moment ago, by the minute; it is moved to `rollup` soon after.

-- Rows are those of `rollup`, but for the grain.
CREATE TABLE fresh_rollup (
    org_id                 uuid        NOT NULL,
    dimension              text        NOT NULL,
    key                    text        NOT NULL,
    starts_at              timestamptz NOT NULL,
    calls                  bigint      NOT NULL,
    failed_calls           bigint      NOT NULL,
    cancelled_calls        bigint      NOT NULL,
    interrupted_calls      bigint      NOT NULL,
    unpriced_calls         bigint      NOT NULL,
    cost                   numeric     NOT NULL,
    input_tokens           bigint      NOT NULL,
    cached_input_tokens    bigint      NOT NULL,
    cache_write_5m_tokens  bigint      NOT NULL,
    cache_write_1h_tokens  bigint      NOT NULL,
    output_tokens          bigint      NOT NULL,
    reasoning_tokens       bigint      NOT NULL,
    timed_calls            bigint      NOT NULL,
    duration_ms            bigint      NOT NULL,
    timed_first_tokens     bigint      NOT NULL,
    time_to_first_token_ms bigint      NOT NULL,
    messages_processed     bigint      NOT NULL,
    timed_messages         bigint      NOT NULL,
    message_duration_ms    bigint      NOT NULL,
    response_times         bytea       NOT NULL,
    PRIMARY KEY (org_id, dimension, key, starts_at)
) WITH (fillfactor = 50);

-- Only sweeps count.
REVOKE INSERT, UPDATE, DELETE ON fresh_rollup FROM metrics;

ALTER TABLE fresh_rollup ENABLE ROW LEVEL SECURITY;
ALTER TABLE fresh_rollup FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON fresh_rollup TO metrics
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON fresh_rollup TO metrics_sweep USING (true) WITH CHECK (true);
