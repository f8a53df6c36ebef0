-- What tools of a type's agents may do in a minute; what is not named is the default.

ALTER TABLE agent_type
    ADD COLUMN limits jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(limits) = 'object');
