"""Which models there are, what they are good for, and which to take for a task."""
