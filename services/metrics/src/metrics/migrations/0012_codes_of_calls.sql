-- Calls are found by their code through an index. Row-level security keeps `->>` away from
-- rows that have not passed, so that an expression of it is no use as one: the code has a
-- column. As sums have it: of a failed call without an explanation it is UNEXPLAINED.

ALTER TABLE call ADD COLUMN code text;

-- The owner is bound by row-level security as well, as long as it is forced.
ALTER TABLE call NO FORCE ROW LEVEL SECURITY;

UPDATE call
SET code = left(coalesce(explanation ->> 'code', 'UNEXPLAINED'), 500)
WHERE status = 'failed'
    OR (status <> 'completed' AND explanation IS NOT NULL);

ALTER TABLE call FORCE ROW LEVEL SECURITY;

CREATE INDEX call_by_code ON call (org_id, code, started_at) WHERE code IS NOT NULL;

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
    attempts,
    code
FROM call;
