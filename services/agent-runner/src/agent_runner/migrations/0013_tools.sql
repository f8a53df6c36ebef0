-- The tools of a type's agents, which their runner runs.

ALTER TABLE agent_type_version
    ADD COLUMN tools jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(tools) = 'array');
