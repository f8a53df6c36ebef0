-- Runners have ids like everything else that operators name.

ALTER TABLE runner ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE;
ALTER TABLE runner ALTER COLUMN id DROP DEFAULT;
