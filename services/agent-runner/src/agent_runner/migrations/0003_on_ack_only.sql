-- Messages to an agent that cannot work are acknowledged, or held until it can.

ALTER TABLE agent_type_version
    ADD COLUMN on_ack_only text NOT NULL DEFAULT 'acknowledge'
        CHECK (on_ack_only IN ('acknowledge', 'hold'));
ALTER TABLE agent_type_version ALTER COLUMN on_ack_only DROP DEFAULT;
