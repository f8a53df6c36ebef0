-- Servers that organizations have told of events, and what is, or was, to be told.

CREATE TABLE webhook (
    org_id          uuid        NOT NULL,
    id              uuid        NOT NULL,
    name            text        NOT NULL,
    -- All that is known here of the URL; the rest is with the credentials service.
    origin          text        NOT NULL,
    events          text[]      NOT NULL,
    enabled         boolean     NOT NULL,
    disabled_reason text,
    -- Attempts in a row that have failed, of whichever deliveries.
    failures        integer     NOT NULL DEFAULT 0,
    version         integer     NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, id),
    CONSTRAINT webhook_name_unique UNIQUE (org_id, name)
);

-- `due_at` is when it is tried next. Whoever tries it moves that on first, so that it
-- is tried again if nobody says what came of it.
CREATE TABLE delivery (
    org_id     uuid        NOT NULL,
    id         uuid        NOT NULL,
    webhook_id uuid        NOT NULL,
    event_id   text        NOT NULL,
    event      text        NOT NULL,
    body       text        NOT NULL,
    status     text        NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'delivered', 'failed')),
    attempts   jsonb       NOT NULL DEFAULT '[]',
    failures   integer     NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    due_at     timestamptz,
    PRIMARY KEY (org_id, id),
    -- An event is told to a webhook under one id, however often it comes.
    UNIQUE (org_id, webhook_id, event_id),
    FOREIGN KEY (org_id, webhook_id) REFERENCES webhook (org_id, id) ON DELETE CASCADE,
    CHECK ((status = 'pending') = (due_at IS NOT NULL))
);

CREATE INDEX delivery_due ON delivery (org_id, webhook_id, due_at)
    WHERE status = 'pending';
CREATE INDEX delivery_of_webhook ON delivery (org_id, webhook_id, id);
CREATE INDEX delivery_done ON delivery (created_at) WHERE status <> 'pending';

ALTER TABLE webhook ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON webhook TO metrics
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON webhook TO metrics_sweep USING (true) WITH CHECK (true);

ALTER TABLE delivery ENABLE ROW LEVEL SECURITY;
ALTER TABLE delivery FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON delivery TO metrics
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON delivery TO metrics_sweep USING (true) WITH CHECK (true);
