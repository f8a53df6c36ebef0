-- Tool calls are listed by time, and kept as long as calls are.
CREATE INDEX tool_call_by_time ON tool_call (org_id, started_at, tool_call_id);
CREATE INDEX tool_call_by_recording ON tool_call (recorded_at);

GRANT DELETE ON tool_call TO metrics_sweep;
