-- What agents of a type may ask of their provider beyond a plain model call.

ALTER TABLE agent_type_version
    ADD COLUMN provider_features text[] NOT NULL DEFAULT '{}'
        CHECK (
            provider_features
            <@ ARRAY['hosted_tools', 'remote_mcp', 'background', 'stored_objects']
        );
ALTER TABLE agent_type_version ALTER COLUMN provider_features DROP DEFAULT;
