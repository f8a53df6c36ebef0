-- What models cost by an organization's own word, prices made anew, and the audit.

CREATE TABLE price_override (
    org_id         uuid        NOT NULL,
    id             uuid        NOT NULL,
    version        integer     NOT NULL DEFAULT 1,
    provider_type  text        NOT NULL,
    model          text        NOT NULL,
    provider_id    uuid,
    effective_from timestamptz NOT NULL,
    effective_to   timestamptz,
    -- Dollars for a million tokens.
    input          numeric     NOT NULL CHECK (input >= 0),
    output         numeric     NOT NULL CHECK (output >= 0),
    cached_input   numeric     CHECK (cached_input >= 0),
    cache_write_5m numeric     CHECK (cache_write_5m >= 0),
    cache_write_1h numeric     CHECK (cache_write_1h >= 0),
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, id),
    CHECK (effective_to > effective_from),
    CONSTRAINT price_override_unique UNIQUE NULLS NOT DISTINCT
        (org_id, provider_type, model, provider_id, effective_from)
);

-- A repricing goes through the calls of a period in their order and notes how far it is.
CREATE TABLE repricing (
    org_id           uuid        NOT NULL,
    id               uuid        NOT NULL,
    since            timestamptz NOT NULL,
    until            timestamptz NOT NULL,
    price_version    text,
    status           text        NOT NULL DEFAULT 'running'
        CHECK (status IN ('running', 'completed')),
    after_started_at timestamptz NOT NULL,
    after_call_id    uuid        NOT NULL,
    calls_examined   bigint      NOT NULL DEFAULT 0,
    requested_at     timestamptz NOT NULL DEFAULT now(),
    finished_at      timestamptz,
    PRIMARY KEY (org_id, id),
    CHECK (since < until),
    CHECK ((status = 'completed') = (finished_at IS NOT NULL))
);

CREATE INDEX repricing_running ON repricing (requested_at) WHERE status = 'running';

CREATE TABLE repriced_model (
    org_id         uuid    NOT NULL,
    repricing_id   uuid    NOT NULL,
    provider_type  text    NOT NULL,
    model          text    NOT NULL,
    calls_changed  bigint  NOT NULL,
    newly_priced   bigint  NOT NULL,
    newly_unpriced bigint  NOT NULL,
    cost_before    numeric NOT NULL,
    cost_after     numeric NOT NULL,
    PRIMARY KEY (org_id, repricing_id, provider_type, model),
    FOREIGN KEY (org_id, repricing_id) REFERENCES repricing
);

CREATE TABLE audit (
    org_id      uuid        NOT NULL,
    id          uuid        NOT NULL,
    at          timestamptz NOT NULL DEFAULT now(),
    actor_kind  text        NOT NULL,
    actor_id    text        NOT NULL,
    act         text        NOT NULL,
    object_kind text        NOT NULL,
    object_id   uuid        NOT NULL,
    details     jsonb       NOT NULL,
    PRIMARY KEY (org_id, id)
);

-- What was counted before there were prices gets its own.
ALTER TABLE call NO FORCE ROW LEVEL SECURITY;
INSERT INTO repricing (
    org_id, id, since, until, after_started_at, after_call_id
)
SELECT
    org_id,
    uuidv7(),
    min(started_at),
    max(started_at) + interval '1 microsecond',
    min(started_at),
    '00000000-0000-0000-0000-000000000000'
FROM call
WHERE unpriced_reason = 'NOT_PRICED_YET'
GROUP BY org_id;
ALTER TABLE call FORCE ROW LEVEL SECURITY;

REVOKE UPDATE, DELETE ON audit FROM metrics, metrics_sweep;
REVOKE INSERT, UPDATE, DELETE ON repriced_model FROM metrics;
REVOKE UPDATE, DELETE ON repricing FROM metrics;

ALTER TABLE price_override ENABLE ROW LEVEL SECURITY;
ALTER TABLE price_override FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON price_override TO metrics
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON price_override TO metrics_sweep USING (true) WITH CHECK (true);

ALTER TABLE repricing ENABLE ROW LEVEL SECURITY;
ALTER TABLE repricing FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON repricing TO metrics
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON repricing TO metrics_sweep USING (true) WITH CHECK (true);

ALTER TABLE repriced_model ENABLE ROW LEVEL SECURITY;
ALTER TABLE repriced_model FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON repriced_model TO metrics
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON repriced_model TO metrics_sweep USING (true) WITH CHECK (true);

ALTER TABLE audit ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON audit TO metrics
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON audit TO metrics_sweep USING (true) WITH CHECK (true);
