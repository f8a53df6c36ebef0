-- Names that models know end with a short digest where they had to be made to fit, so a
-- server could make up two tools that would be called the same.

CREATE UNIQUE INDEX mcp_tool_told_as_unique ON mcp_tool (org_id, server_id, told_as);
