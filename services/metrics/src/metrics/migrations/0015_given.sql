-- Rows as the service gives them to be counted: an array of them is one parameter. Never
-- changed, for older services use them: what they lack is for a type of another name.

CREATE TYPE given_call AS (
    sequence               bigint,
    cost                   numeric,
    price_version          text,
    unpriced_reason        text,
    call_id                uuid,
    org_id                 uuid,
    agent_id               uuid,
    agent_type_id          uuid,
    provider_id            uuid,
    provider_type          text,
    use_case               text,
    model                  text,
    endpoint               text,
    is_streamed            boolean,
    message_id             uuid,
    runner                 text,
    request_id             text,
    status                 text,
    http_status            integer,
    started_at             timestamptz,
    duration_ms            bigint,
    time_to_first_token_ms bigint,
    usage_source           text,
    input_tokens           bigint,
    cached_input_tokens    bigint,
    cache_write_5m_tokens  bigint,
    cache_write_1h_tokens  bigint,
    output_tokens          bigint,
    reasoning_tokens       bigint,
    web_searches           bigint,
    service_tier           text,
    speed                  text,
    inference_geo          text,
    labels                 text,
    explanation            text,
    code                   text,
    attempts               text
);

CREATE TYPE given_message AS (
    sequence      bigint,
    message_id    uuid,
    org_id        uuid,
    agent_id      uuid,
    agent_type_id uuid,
    status        text,
    finished_at   timestamptz,
    duration_ms   bigint
);

CREATE TYPE given_tool_call AS (
    sequence      bigint,
    tool_call_id  uuid,
    org_id        uuid,
    agent_id      uuid,
    agent_type_id uuid,
    message_id    uuid,
    tool          text,
    status        text,
    code          text,
    started_at    timestamptz,
    duration_ms   bigint
);

CREATE TYPE given_rollup AS (
    org_id                 uuid,
    dimension              text,
    key                    text,
    starts_at              timestamptz,
    response_times         bytea,
    calls                  bigint,
    failed_calls           bigint,
    cancelled_calls        bigint,
    interrupted_calls      bigint,
    unpriced_calls         bigint,
    cost                   numeric,
    input_tokens           bigint,
    cached_input_tokens    bigint,
    cache_write_5m_tokens  bigint,
    cache_write_1h_tokens  bigint,
    output_tokens          bigint,
    reasoning_tokens       bigint,
    timed_calls            bigint,
    duration_ms            bigint,
    timed_first_tokens     bigint,
    time_to_first_token_ms bigint,
    messages_processed     bigint,
    timed_messages         bigint,
    message_duration_ms    bigint
);
