-- Secrets that are to take a provider's place, and providers that are about to go.

-- A rotation, by the id of the job that asks for it. Its secret is sealed for the version
-- that it becomes, so it can be put in place as it is, after no other version; then, or
-- when it is dropped, nothing of it is left here.
CREATE TABLE rotation (
    org_id                 uuid NOT NULL,
    id                     uuid NOT NULL,
    provider_id            uuid NOT NULL,
    version                integer NOT NULL CHECK (version >= 2),
    state                  text NOT NULL DEFAULT 'staged'
        CHECK (state IN ('staged', 'switched', 'discarded')),
    encrypted_key          bytea,
    encrypted_dek          bytea,
    master_key_id          text,
    hint                   text,
    fields                 text[] NOT NULL,
    aws_session_expires_at timestamptz,
    created_at             timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, provider_id) REFERENCES provider (org_id, id) ON DELETE CASCADE,
    CHECK (num_nulls(encrypted_key, encrypted_dek, master_key_id)
        = CASE state WHEN 'staged' THEN 0 ELSE 3 END)
);

CREATE INDEX rotation_by_provider ON rotation (org_id, provider_id);

ALTER TABLE provider ADD COLUMN is_retiring boolean NOT NULL DEFAULT false;

ALTER TABLE rotation ENABLE ROW LEVEL SECURITY;
ALTER TABLE rotation FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON rotation TO credentials
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON rotation TO credentials_sweep USING (true) WITH CHECK (true);
