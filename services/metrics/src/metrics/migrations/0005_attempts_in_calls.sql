-- A call carries its attempts: nobody asks for them but with their call, and a table of
-- their own was a second insert in every count and a second look into every day in every
-- read. Calls are found by whatever they can be asked for. What no call can have is
-- refused, for a few of it would be more than a sum can hold.

-- The owner is bound by row-level security as well, as long as it is forced.
ALTER TABLE call NO FORCE ROW LEVEL SECURITY;
ALTER TABLE attempt NO FORCE ROW LEVEL SECURITY;

ALTER TABLE call ADD COLUMN attempts jsonb NOT NULL DEFAULT '[]';

UPDATE call
SET attempts = made.attempts
FROM (
    SELECT
        call_id,
        call_started_at,
        jsonb_agg(
            jsonb_build_object(
                'attempt_id', attempt_id,
                'provider_id', provider_id,
                'model', model,
                'started_at', started_at,
                'duration_ms', duration_ms,
                'http_status', http_status,
                'error_code', error_code
            )
            ORDER BY position
        ) AS attempts
    FROM attempt
    GROUP BY call_id, call_started_at
) AS made
WHERE call.call_id = made.call_id
    AND call.started_at = made.call_started_at;

ALTER TABLE call FORCE ROW LEVEL SECURITY;

CREATE OR REPLACE VIEW counted_call WITH (security_invoker = true) AS
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
    attempts
FROM call;

DROP TABLE attempt;

CREATE INDEX call_by_agent_type ON call (org_id, agent_type_id, started_at);
CREATE INDEX call_by_provider ON call (org_id, provider_id, started_at);
CREATE INDEX call_by_model ON call (org_id, left(model, 500), started_at);
CREATE INDEX call_not_completed ON call (org_id, started_at)
    WHERE status <> 'completed';

ALTER TABLE call
    ADD CHECK (greatest(duration_ms, time_to_first_token_ms) <= 1e12),
    ADD CHECK (
        greatest(
            input_tokens, cached_input_tokens, cache_write_5m_tokens,
            cache_write_1h_tokens, output_tokens, reasoning_tokens, web_searches
        ) <= 1e12
    );
ALTER TABLE message ADD CHECK (duration_ms <= 1e12);

-- As in 0002, of one table.
CREATE OR REPLACE FUNCTION make_days(first_day date, last_day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = metrics, pg_temp SET timezone = 'UTC'
AS $$
DECLARE
    new_day date;
    part text;
BEGIN
    PERFORM pg_advisory_xact_lock(2658, 64);
    FOR new_day IN
        SELECT first_day + each
        FROM generate_series(0, last_day - first_day) AS each
        WHERE to_regclass('call_' || to_char(first_day + each, 'YYYYMMDD')) IS NULL
    LOOP
        part := 'call_' || to_char(new_day, 'YYYYMMDD');
        EXECUTE format('CREATE TABLE %I (LIKE call INCLUDING ALL)', part);
        EXECUTE format('REVOKE ALL ON %I FROM metrics, metrics_sweep', part);
        EXECUTE format(
            'ALTER TABLE call_by_day ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
            part,
            new_day::timestamptz,
            (new_day + 1)::timestamptz
        );
        INSERT INTO kept_day VALUES (new_day);
    END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION retire_days(kept integer) RETURNS void
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
    DELETE FROM call_of_other_days WHERE recorded_at < kept_since;
END
$$;

DROP FUNCTION drop_days(text);

-- Drops the days that are kept no longer, and returns how many. It locks all days
-- against all: nothing else may be locked beside it. Another service may have dropped
-- one meanwhile.
CREATE FUNCTION drop_days() RETURNS integer
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
        WHERE inhparent = 'call_by_day'::regclass
            AND relname NOT IN (SELECT to_char(day, '"call_"YYYYMMDD') FROM kept_day)
    LOOP
        EXECUTE format('DROP TABLE IF EXISTS %I', part);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END
$$;

REVOKE ALL ON FUNCTION drop_days FROM PUBLIC, metrics;
GRANT EXECUTE ON FUNCTION drop_days TO metrics_sweep;
