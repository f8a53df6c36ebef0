"""Numbered SQL of the agent_runner schema."""
