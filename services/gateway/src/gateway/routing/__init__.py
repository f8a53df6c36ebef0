"""How a route declares itself, is served, and is described."""
