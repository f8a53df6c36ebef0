-- Since when a webhook is told of what happens: nothing that happened before is told,
-- however late it is heard of.

ALTER TABLE webhook ADD COLUMN enabled_at timestamptz;
ALTER TABLE webhook NO FORCE ROW LEVEL SECURITY;
UPDATE webhook SET enabled_at = created_at;
ALTER TABLE webhook FORCE ROW LEVEL SECURITY;
ALTER TABLE webhook ALTER COLUMN enabled_at SET NOT NULL;
