-- Where calls go when the provider fails, and where data may go at all. Of the type, not
-- of its versions: what changes here holds for running agents at once.

ALTER TABLE agent_type
    ADD COLUMN fallbacks jsonb NOT NULL DEFAULT '[]'
        CHECK (jsonb_typeof(fallbacks) = 'array'),
    ADD COLUMN residency jsonb
        CHECK (jsonb_typeof(residency) = 'object'),
    -- Agents of an older version are to be restarted; null is the newest version.
    ADD COLUMN restart_version integer;
ALTER TABLE agent_type ALTER COLUMN fallbacks DROP DEFAULT;
