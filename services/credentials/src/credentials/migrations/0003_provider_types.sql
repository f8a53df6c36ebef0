-- Providers of all three types, incomplete ones too, and credentials that expire.

ALTER TABLE provider
    DROP CONSTRAINT provider_type_check,
    ADD CONSTRAINT provider_type_known CHECK (type IN ('openai', 'anthropic', 'bedrock')),
    -- Null for a Bedrock provider that has neither an address nor a region yet.
    ALTER COLUMN base_url DROP NOT NULL,
    ADD COLUMN aws_region text,
    ADD COLUMN aws_role_arn text,
    ADD COLUMN aws_session_expires_at timestamptz,
    -- The least number of minutes before the expiry that was told; 0 is the expiry.
    ADD COLUMN expiry_warned_minutes integer,
    -- What agents need beside what is here; none is leased while there is any.
    ADD COLUMN missing text[] NOT NULL DEFAULT '{}';

ALTER TABLE provider ALTER COLUMN missing DROP DEFAULT;

CREATE INDEX provider_by_expiry ON provider (aws_session_expires_at)
    WHERE aws_session_expires_at IS NOT NULL;

-- The names of the secrets that are sealed together.
ALTER TABLE credential_version ADD COLUMN fields text[] NOT NULL DEFAULT '{api_key}';
ALTER TABLE credential_version ALTER COLUMN fields DROP DEFAULT;

-- What an organization's roles demand of us: no other organization can make us use them.
CREATE TABLE external_id (
    org_id      uuid PRIMARY KEY,
    external_id text NOT NULL UNIQUE
);

ALTER TABLE external_id ENABLE ROW LEVEL SECURITY;
ALTER TABLE external_id FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON external_id TO credentials
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON external_id TO credentials_sweep USING (true) WITH CHECK (true);
