"""Where agents run: containers, or processes."""
