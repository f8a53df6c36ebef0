"""What an agent's process says to its runner, over HTTP."""
