"""MCP servers: where they are, and the tokens that runners are leased for them."""
