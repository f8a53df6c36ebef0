-- What was asked with an Idempotency-Key, so that asking again does nothing twice.
-- Neither the key nor the request can be read from a row: the id is a hash of the key
-- and of whose it is, the fingerprint an HMAC of the request under the key.

CREATE TABLE idempotency_key (
    org_id        uuid NOT NULL,
    id            bytea NOT NULL CHECK (octet_length(id) = 32),
    fingerprint   bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
    object_id     uuid NOT NULL,
    claim         uuid NOT NULL,
    claimed_until timestamptz NOT NULL,
    answer        jsonb,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (org_id, id)
);

CREATE INDEX idempotency_key_created ON idempotency_key (created_at);

ALTER TABLE idempotency_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency_key FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON idempotency_key TO gateway
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON idempotency_key TO gateway_sweep USING (true) WITH CHECK (true);
