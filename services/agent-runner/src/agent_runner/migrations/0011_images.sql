-- Which image agents of a type run; none is the runner's own.

ALTER TABLE agent_type_version
    ADD COLUMN image text,
    ADD CHECK (image IS NULL OR runtime = 'docker');
