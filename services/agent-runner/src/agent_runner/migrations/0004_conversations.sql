-- Threads that are kept for a while, and messages that could not be delivered.

ALTER TABLE thread ADD COLUMN updated_at timestamptz;
ALTER TABLE thread NO FORCE ROW LEVEL SECURITY;
UPDATE thread SET updated_at = created_at;
ALTER TABLE thread FORCE ROW LEVEL SECURITY;
ALTER TABLE thread ALTER COLUMN updated_at SET NOT NULL;

-- Whether somebody reads the reply as it is made.
ALTER TABLE message ADD COLUMN is_streamed boolean NOT NULL DEFAULT false;
-- A delivery fails when the agent ends with the message in hand, unasked.
ALTER TABLE message ADD COLUMN failed_deliveries integer NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN dead_lettered_at timestamptz;
ALTER TABLE message ADD CONSTRAINT message_dead_letter_failed
    CHECK (dead_lettered_at IS NULL OR status = 'failed');

CREATE INDEX message_dead_letter ON message (org_id, id)
    WHERE dead_lettered_at IS NOT NULL;
CREATE INDEX message_finished ON message (finished_at);
CREATE INDEX thread_newest ON thread (org_id, id);
CREATE INDEX thread_of_agent ON thread (agent_id, id);
CREATE INDEX thread_updated ON thread (updated_at);
