"""The launch broker: the one process that reaches Docker, for one runner."""
