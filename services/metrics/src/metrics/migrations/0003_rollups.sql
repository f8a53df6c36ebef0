-- What was used, summed up by minute, quarter of an hour, hour and day.

-- Keys are made by `metrics.rollups.dimensions_of`. `response_times` is a
-- `metrics.sketch.Sketch`. `cost` is that of the calls that have a price.
CREATE TABLE rollup (
    grain                  text        NOT NULL,
    org_id                 uuid        NOT NULL,
    dimension              text        NOT NULL,
    key                    text        NOT NULL,
    starts_at              timestamptz NOT NULL,
    calls                  bigint      NOT NULL CHECK (calls >= 0),
    failed_calls           bigint      NOT NULL CHECK (failed_calls >= 0),
    cancelled_calls        bigint      NOT NULL CHECK (cancelled_calls >= 0),
    interrupted_calls      bigint      NOT NULL CHECK (interrupted_calls >= 0),
    unpriced_calls         bigint      NOT NULL,
    cost                   numeric     NOT NULL,
    input_tokens           bigint      NOT NULL CHECK (input_tokens >= 0),
    cached_input_tokens    bigint      NOT NULL CHECK (cached_input_tokens >= 0),
    cache_write_5m_tokens  bigint      NOT NULL CHECK (cache_write_5m_tokens >= 0),
    cache_write_1h_tokens  bigint      NOT NULL CHECK (cache_write_1h_tokens >= 0),
    output_tokens          bigint      NOT NULL CHECK (output_tokens >= 0),
    reasoning_tokens       bigint      NOT NULL CHECK (reasoning_tokens >= 0),
    timed_calls            bigint      NOT NULL CHECK (timed_calls >= 0),
    duration_ms            bigint      NOT NULL CHECK (duration_ms >= 0),
    timed_first_tokens     bigint      NOT NULL CHECK (timed_first_tokens >= 0),
    time_to_first_token_ms bigint      NOT NULL CHECK (time_to_first_token_ms >= 0),
    messages_processed     bigint      NOT NULL CHECK (messages_processed >= 0),
    timed_messages         bigint      NOT NULL CHECK (timed_messages >= 0),
    message_duration_ms    bigint      NOT NULL CHECK (message_duration_ms >= 0),
    response_times         bytea       NOT NULL,
    PRIMARY KEY (grain, org_id, dimension, key, starts_at)
) PARTITION BY LIST (grain);

-- All keys of a dimension over a stretch of time.
CREATE INDEX rollup_by_time ON rollup (org_id, dimension, starts_at);

-- Rows are changed in place again and again: leave them room to.
CREATE TABLE rollup_minute PARTITION OF rollup
    FOR VALUES IN ('minute') WITH (fillfactor = 50);
CREATE TABLE rollup_quarter PARTITION OF rollup
    FOR VALUES IN ('quarter') WITH (fillfactor = 50);
CREATE TABLE rollup_hour PARTITION OF rollup
    FOR VALUES IN ('hour') WITH (fillfactor = 50);
CREATE TABLE rollup_day PARTITION OF rollup
    FOR VALUES IN ('day') WITH (fillfactor = 50);
-- Not of minutes: one that was dropped comes again for a call that is late, and then
-- lacks what it held before. Nobody reads a minute so old.
ALTER TABLE rollup_quarter ADD CHECK (cost >= 0 AND unpriced_calls BETWEEN 0 AND calls);
ALTER TABLE rollup_hour ADD CHECK (cost >= 0 AND unpriced_calls BETWEEN 0 AND calls);
ALTER TABLE rollup_day ADD CHECK (cost >= 0 AND unpriced_calls BETWEEN 0 AND calls);

REVOKE ALL ON rollup_minute, rollup_quarter, rollup_hour, rollup_day
    FROM metrics, metrics_sweep;

-- How long rollups last; `metrics.rollups.Grain` says the same.
CREATE VIEW grain (name, length, origin) AS
SELECT
    name,
    length,
    timestamptz '1970-01-01 00:00:00+00'
FROM (
    VALUES
        ('minute', interval '1 minute'),
        ('quarter', interval '15 minutes'),
        ('hour', interval '1 hour'),
        ('day', interval '1 day')
) AS each (name, length);

-- `metrics.rollups.dimensions_of` in SQL, for calls that are read one by one.
CREATE VIEW dimension_of_call WITH (security_invoker = true) AS
SELECT
    call.*,
    each.dimension,
    left(each.key, 500) AS key
FROM call
CROSS JOIN LATERAL (
    VALUES
        ('organization', ''),
        ('agent', agent_id::text),
        ('agent_type', agent_type_id::text),
        ('provider', provider_id::text),
        ('provider_type', provider_type),
        ('model', model),
        ('use_case', coalesce(use_case, '')),
        ('status', status)
    UNION ALL
    SELECT
        'code',
        coalesce(explanation ->> 'code', 'UNEXPLAINED')
    WHERE status = 'failed'
    UNION ALL
    SELECT DISTINCT
        'label',
        left(name || '=' || value, 500)
    FROM jsonb_each_text(labels) AS label (name, value)
) AS each (dimension, key);

CREATE VIEW dimension_of_message WITH (security_invoker = true) AS
SELECT
    message.*,
    each.dimension,
    each.key
FROM message
CROSS JOIN LATERAL (
    VALUES
        ('organization', ''),
        ('agent', agent_id::text),
        ('agent_type', agent_type_id::text)
) AS each (dimension, key);

CREATE INDEX message_by_time ON message (org_id, finished_at);

-- Sum up what is there. The owner is bound by row-level security while it is forced.
ALTER TABLE call NO FORCE ROW LEVEL SECURITY;
ALTER TABLE message NO FORCE ROW LEVEL SECURITY;

INSERT INTO rollup
WITH counted AS (
    SELECT
        org_id, dimension, key, started_at AS at, status, input_tokens,
        cached_input_tokens, output_tokens, reasoning_tokens, duration_ms,
        time_to_first_token_ms, 1 AS calls, 0 AS messages,
        NULL::bigint AS message_duration_ms
    FROM dimension_of_call
    UNION ALL
    SELECT
        org_id, dimension, key, finished_at, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        0, 1, duration_ms
    FROM dimension_of_message
    WHERE status = 'completed'
),
-- By bin of the sketch as well (`metrics.sketch`).
binned AS (
    SELECT
        grain.name AS grain,
        org_id,
        dimension,
        key,
        date_bin(grain.length, at, grain.origin) AS starts_at,
        CASE
            WHEN duration_ms = 0 THEN 0
            ELSE 1 + ceil(ln(duration_ms::float8) / ln(1.02::float8 / 0.98))
        END AS bin,
        sum(calls) AS calls,
        count(*) FILTER (WHERE status = 'failed') AS failed_calls,
        count(*) FILTER (WHERE status = 'cancelled') AS cancelled_calls,
        count(*) FILTER (WHERE status = 'interrupted') AS interrupted_calls,
        coalesce(sum(input_tokens), 0) AS input_tokens,
        coalesce(sum(cached_input_tokens), 0) AS cached_input_tokens,
        coalesce(sum(output_tokens), 0) AS output_tokens,
        coalesce(sum(reasoning_tokens), 0) AS reasoning_tokens,
        count(duration_ms) AS timed_calls,
        coalesce(sum(duration_ms), 0) AS duration_ms,
        count(time_to_first_token_ms) AS timed_first_tokens,
        coalesce(sum(time_to_first_token_ms), 0) AS time_to_first_token_ms,
        sum(messages) AS messages_processed,
        count(message_duration_ms) AS timed_messages,
        coalesce(sum(message_duration_ms), 0) AS message_duration_ms
    FROM counted
    CROSS JOIN grain
    GROUP BY 1, 2, 3, 4, 5, 6
)
SELECT
    grain,
    org_id,
    dimension,
    key,
    starts_at,
    sum(calls),
    sum(failed_calls),
    sum(cancelled_calls),
    sum(interrupted_calls),
    sum(calls),
    0,
    sum(input_tokens),
    sum(cached_input_tokens),
    0,
    0,
    sum(output_tokens),
    sum(reasoning_tokens),
    sum(timed_calls),
    sum(duration_ms),
    sum(timed_first_tokens),
    sum(time_to_first_token_ms),
    sum(messages_processed),
    sum(timed_messages),
    sum(message_duration_ms),
    coalesce(
        string_agg(int2send(bin::smallint) || int4send(timed_calls::integer), ''),
        ''
    )
FROM binned
GROUP BY 1, 2, 3, 4, 5;

ALTER TABLE call FORCE ROW LEVEL SECURITY;
ALTER TABLE message FORCE ROW LEVEL SECURITY;

-- Only sweeps count; of what was counted they drop old minutes.
REVOKE INSERT, UPDATE, DELETE ON rollup FROM metrics;

ALTER TABLE rollup ENABLE ROW LEVEL SECURITY;
ALTER TABLE rollup FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON rollup TO metrics
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON rollup TO metrics_sweep USING (true) WITH CHECK (true);
