-- Both are of the whole installation: one switch, and one job at a time.

-- Always one row; frozen since a time, by someone, or not.
CREATE TABLE freeze_switch (
    is_the_only_row boolean PRIMARY KEY DEFAULT true CHECK (is_the_only_row),
    frozen_at       timestamptz,
    actor_kind      text,
    actor_id        text,
    CHECK (num_nulls(frozen_at, actor_kind, actor_id) IN (0, 3))
);

INSERT INTO freeze_switch DEFAULT VALUES;

REVOKE INSERT, DELETE ON freeze_switch FROM credentials, credentials_sweep;

-- A job that brings every data key under one master key. What is left to do is in
-- credential_version itself. The organization is that of who started it.
CREATE TABLE rewrap (
    id            uuid PRIMARY KEY,
    org_id        uuid NOT NULL,
    master_key_id text NOT NULL,
    status        text NOT NULL DEFAULT 'running'
        CHECK (status IN ('running', 'completed', 'failed', 'superseded')),
    total         integer NOT NULL,
    rewrapped     integer NOT NULL DEFAULT 0,
    started_at    timestamptz NOT NULL DEFAULT now(),
    finished_at   timestamptz,
    CHECK ((status = 'running') = (finished_at IS NULL))
);

CREATE UNIQUE INDEX rewrap_runs_once ON rewrap ((true)) WHERE status = 'running';

-- What a rewrap found unreadable, and goes past from then on.
CREATE TABLE rewrap_failure (
    rewrap_id   uuid NOT NULL REFERENCES rewrap (id),
    org_id      uuid NOT NULL,
    provider_id uuid NOT NULL,
    version     integer NOT NULL,
    code        text NOT NULL,
    PRIMARY KEY (rewrap_id, org_id, provider_id, version)
);

ALTER TABLE freeze_switch ENABLE ROW LEVEL SECURITY;
ALTER TABLE freeze_switch FORCE ROW LEVEL SECURITY;
CREATE POLICY installation ON freeze_switch TO credentials, credentials_sweep
    USING (true) WITH CHECK (true);

ALTER TABLE rewrap ENABLE ROW LEVEL SECURITY;
ALTER TABLE rewrap FORCE ROW LEVEL SECURITY;
CREATE POLICY installation ON rewrap TO credentials, credentials_sweep
    USING (true) WITH CHECK (true);

ALTER TABLE rewrap_failure ENABLE ROW LEVEL SECURITY;
ALTER TABLE rewrap_failure FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON rewrap_failure TO credentials
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON rewrap_failure TO credentials_sweep USING (true) WITH CHECK (true);
