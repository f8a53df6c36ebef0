-- Messages are kept as long as calls are.
CREATE INDEX message_by_recording ON message (recorded_at);

GRANT DELETE ON message TO metrics_sweep;
