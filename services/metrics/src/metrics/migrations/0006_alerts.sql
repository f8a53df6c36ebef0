-- Which rules an organization has switched off, and the alerts that rules opened.

CREATE TABLE alert_rule (
    org_id     uuid        NOT NULL,
    name       text        NOT NULL,
    enabled    boolean     NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, name)
);

-- `opening_told`, `resolution_told`: is the event in the stream, or silenced?
CREATE TABLE alert (
    org_id          uuid        NOT NULL,
    id              uuid        NOT NULL,
    rule            text        NOT NULL,
    subject_kind    text        NOT NULL,
    subject_key     text        NOT NULL,
    message         text        NOT NULL,
    evidence        jsonb       NOT NULL,
    opened_at       timestamptz NOT NULL,
    last_seen_at    timestamptz NOT NULL,
    resolved_at     timestamptz,
    silenced_until  timestamptz,
    opening_told    boolean     NOT NULL DEFAULT false,
    resolution_told boolean     NOT NULL DEFAULT false,
    PRIMARY KEY (org_id, id),
    CHECK (opened_at <= last_seen_at AND last_seen_at <= resolved_at)
);

-- One alert per condition.
CREATE UNIQUE INDEX alert_of_condition
    ON alert (org_id, rule, subject_kind, subject_key)
    WHERE resolved_at IS NULL;
CREATE INDEX alert_to_tell ON alert (opened_at)
    WHERE NOT opening_told OR (resolved_at IS NOT NULL AND NOT resolution_told);
CREATE INDEX alert_silenced ON alert (org_id, rule, subject_kind, subject_key)
    WHERE silenced_until IS NOT NULL;

ALTER TABLE alert_rule ENABLE ROW LEVEL SECURITY;
ALTER TABLE alert_rule FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON alert_rule TO metrics
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON alert_rule TO metrics_sweep USING (true) WITH CHECK (true);

ALTER TABLE alert ENABLE ROW LEVEL SECURITY;
ALTER TABLE alert FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON alert TO metrics
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON alert TO metrics_sweep USING (true) WITH CHECK (true);
