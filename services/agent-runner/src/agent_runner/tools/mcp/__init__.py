"""Tools of MCP servers: approved as they are described, and called by the runner."""
