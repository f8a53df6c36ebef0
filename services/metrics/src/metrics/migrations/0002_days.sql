-- Calls and attempts in one partition a day, by when the call started, with what they
-- cost; a day that is kept no longer is dropped as a whole.
--
-- A call's id is no longer unique by itself: what it is parted by stands in every key,
-- as PostgreSQL wants it. One record of a call always tells the same time.

ALTER TABLE call RENAME TO call_before_days;
ALTER TABLE attempt RENAME TO attempt_before_days;
ALTER INDEX call_pkey RENAME TO call_before_days_pkey;
ALTER INDEX attempt_pkey RENAME TO attempt_before_days_pkey;
DROP INDEX call_by_organization, call_by_agent, call_by_agent_and_time, call_by_sequence;
DROP VIEW counted_call;

CREATE TABLE call (
    call_id                uuid        NOT NULL,
    org_id                 uuid        NOT NULL,
    source                 uuid        NOT NULL,
    sequence               bigint      NOT NULL,
    agent_id               uuid        NOT NULL,
    agent_type_id          uuid        NOT NULL,
    provider_id            uuid        NOT NULL,
    provider_type          text        NOT NULL,
    use_case               text,
    labels                 jsonb       NOT NULL,
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
    cache_write_5m_tokens  bigint      CHECK (cache_write_5m_tokens >= 0),
    cache_write_1h_tokens  bigint      CHECK (cache_write_1h_tokens >= 0),
    output_tokens          bigint      CHECK (output_tokens >= 0),
    reasoning_tokens       bigint      CHECK (reasoning_tokens >= 0),
    web_searches           bigint      CHECK (web_searches >= 0),
    service_tier           text,
    speed                  text,
    inference_geo          text,
    usage_source           text        NOT NULL,
    explanation            jsonb,
    cost                   numeric     CHECK (cost >= 0),
    price_version          text,
    unpriced_reason        text,
    recorded_at            timestamptz NOT NULL DEFAULT now(),
    -- Whether there was a partition of its day when it was counted.
    has_day                boolean     NOT NULL,
    PRIMARY KEY (call_id, started_at, has_day),
    CHECK ((cost IS NULL) = (unpriced_reason IS NOT NULL))
) PARTITION BY LIST (has_day);

CREATE INDEX call_by_time ON call (org_id, started_at, call_id);
CREATE INDEX call_by_agent ON call (org_id, agent_id, started_at, call_id);
CREATE INDEX call_by_sequence ON call (source, sequence);
-- Hashed: a provider may make its request ids as long as it likes.
CREATE INDEX call_by_request ON call USING hash (request_id);

-- No foreign key to the call: it would keep a day from being dropped. Both are written
-- in one transaction, by one function.
CREATE TABLE attempt (
    call_id         uuid        NOT NULL,
    call_started_at timestamptz NOT NULL,
    position        integer     NOT NULL,
    org_id          uuid        NOT NULL,
    attempt_id      uuid        NOT NULL,
    provider_id     uuid        NOT NULL,
    model           text        NOT NULL,
    started_at      timestamptz NOT NULL,
    duration_ms     bigint      NOT NULL CHECK (duration_ms >= 0),
    http_status     integer,
    error_code      text,
    has_day         boolean     NOT NULL,
    PRIMARY KEY (call_id, call_started_at, position, has_day)
) PARTITION BY LIST (has_day);

-- What a clock far off has dated lies apart: nothing is refused because of its day. Not
-- in a default partition, for that would be locked against all when a day is made.
CREATE TABLE call_by_day PARTITION OF call FOR VALUES IN (true)
    PARTITION BY RANGE (started_at);
CREATE TABLE call_of_other_days PARTITION OF call FOR VALUES IN (false);
CREATE TABLE attempt_by_day PARTITION OF attempt FOR VALUES IN (true)
    PARTITION BY RANGE (call_started_at);
CREATE TABLE attempt_of_other_days PARTITION OF attempt FOR VALUES IN (false);
REVOKE ALL ON call_by_day, call_of_other_days, attempt_by_day, attempt_of_other_days
    FROM metrics, metrics_sweep;

-- The days (UTC) that have partitions. Whoever counts a call shares its day's row till
-- the end of the transaction, so that the day is not dropped meanwhile.
CREATE TABLE kept_day (day date PRIMARY KEY);
REVOKE ALL ON kept_day FROM metrics;
REVOKE INSERT, DELETE ON kept_day FROM metrics_sweep;

-- Makes the partitions of these days that are not there. Nobody has to wait for it, nor
-- it for anybody: to attach a partition beside others excludes neither those who read
-- nor those who count. Only the owner makes tables, so this runs as the owner.
CREATE FUNCTION make_days(first_day date, last_day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = metrics, pg_temp SET timezone = 'UTC'
AS $$
DECLARE
    new_day date;
    parent text;
    part text;
BEGIN
    PERFORM pg_advisory_xact_lock(2658, 64);
    FOR new_day IN
        SELECT first_day + each
        FROM generate_series(0, last_day - first_day) AS each
        WHERE to_regclass('call_' || to_char(first_day + each, 'YYYYMMDD')) IS NULL
    LOOP
        FOREACH parent IN ARRAY ARRAY['call', 'attempt'] LOOP
            part := parent || '_' || to_char(new_day, 'YYYYMMDD');
            EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', part, parent);
            EXECUTE format('REVOKE ALL ON %I FROM metrics, metrics_sweep', part);
            EXECUTE format(
                'ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                parent || '_by_day',
                part,
                new_day::timestamptz,
                (new_day + 1)::timestamptz
            );
        END LOOP;
        INSERT INTO kept_day VALUES (new_day);
    END LOOP;
END
$$;

-- Keeps the *kept* last days alone: no call is counted into the others any more. The
-- last day is the newest that has calls, or today if that is earlier: a clock put
-- forward drops nothing. Calls of other days are kept by when they were counted, for
-- their own dates are wrong.
CREATE FUNCTION retire_days(kept integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = metrics, pg_temp SET timezone = 'UTC'
AS $$
DECLARE
    kept_since date;
BEGIN
    IF kept < 1 THEN
        RAISE EXCEPTION 'one day at least is kept';
    END IF;
    SELECT least(max(day), current_date) - (kept - 1)
    INTO kept_since
    FROM kept_day
    WHERE EXISTS (
        SELECT FROM call_by_day WHERE started_at >= day AND started_at < day + 1
    )
    HAVING count(*) > 0;
    DELETE FROM kept_day
    WHERE day IN (
        SELECT day FROM kept_day WHERE day < kept_since FOR UPDATE SKIP LOCKED
    );
    DELETE FROM attempt_of_other_days AS attempt
    USING call_of_other_days AS call
    WHERE attempt.call_id = call.call_id
        AND attempt.call_started_at = call.started_at
        AND call.recorded_at < kept_since;
    DELETE FROM call_of_other_days WHERE recorded_at < kept_since;
END
$$;

-- Drops the days of one table ('call' or 'attempt') that are kept no longer, and returns
-- how many. It locks the table against all. So each table has a transaction of its own:
-- whoever held the one and waited for the other could wait for a reader who waits for it.
CREATE FUNCTION drop_days(parent text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = metrics, pg_temp
AS $$
DECLARE
    part text;
    dropped integer := 0;
BEGIN
    FOR part IN
        SELECT relname
        FROM pg_inherits
        JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = to_regclass(parent || '_by_day')
            AND relname NOT IN (
                SELECT parent || to_char(day, '_YYYYMMDD') FROM kept_day
            )
    LOOP
        EXECUTE format('DROP TABLE %I', part);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END
$$;

REVOKE ALL ON FUNCTION make_days, retire_days, drop_days FROM PUBLIC, metrics;
GRANT EXECUTE ON FUNCTION make_days, retire_days, drop_days TO metrics_sweep;

-- The owner is bound by row-level security as well, as long as it is forced.
ALTER TABLE call_before_days NO FORCE ROW LEVEL SECURITY;
ALTER TABLE attempt_before_days NO FORCE ROW LEVEL SECURITY;

SELECT make_days(each.day, each.day)
FROM (
    SELECT DISTINCT (started_at AT TIME ZONE 'UTC')::date AS day
    FROM call_before_days
    WHERE started_at BETWEEN now() - interval '400 days' AND now() + interval '7 days'
) AS each;

INSERT INTO call (
    call_id, org_id, source, sequence, agent_id, agent_type_id, provider_id,
    provider_type, use_case, labels, model, endpoint, is_streamed, message_id, runner,
    request_id, status, http_status, started_at, duration_ms, time_to_first_token_ms,
    input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, usage_source,
    explanation, unpriced_reason, recorded_at, has_day
)
SELECT
    call_id, org_id, source, sequence, agent_id, agent_type_id, provider_id,
    provider_type, use_case, '{}', model, endpoint, is_streamed, message_id, runner,
    request_id, status, http_status, started_at, duration_ms, time_to_first_token_ms,
    input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, usage_source,
    explanation, 'NOT_PRICED_YET', recorded_at,
    (started_at AT TIME ZONE 'UTC')::date IN (SELECT day FROM kept_day)
FROM call_before_days;

INSERT INTO attempt (
    call_id, call_started_at, position, org_id, attempt_id, provider_id, model,
    started_at, duration_ms, http_status, error_code, has_day
)
SELECT
    attempt.call_id, call.started_at, position, attempt.org_id, attempt_id,
    attempt.provider_id, attempt.model, attempt.started_at, attempt.duration_ms,
    attempt.http_status, error_code, call.has_day
FROM attempt_before_days AS attempt
JOIN call ON call.call_id = attempt.call_id;

DROP TABLE attempt_before_days, call_before_days;

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
    labels,
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
        'cache_write_5m_tokens', cache_write_5m_tokens,
        'cache_write_1h_tokens', cache_write_1h_tokens,
        'output_tokens', output_tokens,
        'reasoning_tokens', reasoning_tokens,
        'web_searches', web_searches,
        'service_tier', service_tier,
        'speed', speed,
        'inference_geo', inference_geo
    ) AS usage,
    usage_source,
    explanation,
    cost AS cost_usd,
    price_version,
    unpriced_reason,
    recorded_at,
    (
        SELECT coalesce(jsonb_agg(to_jsonb(attempt) ORDER BY attempt.position), '[]')
        FROM attempt
        WHERE attempt.call_id = call.call_id
            AND attempt.call_started_at = call.started_at
    ) AS attempts
FROM call;

-- What was counted stays as it is, but for its price; only sweeps count and price.
REVOKE INSERT, UPDATE, DELETE ON call, attempt FROM metrics;
REVOKE UPDATE, DELETE ON call, attempt FROM metrics_sweep;
GRANT UPDATE (cost, price_version, unpriced_reason) ON call TO metrics_sweep;

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
