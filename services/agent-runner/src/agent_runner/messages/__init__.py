"""Messages: accepted from callers, handed to agents, answered."""
