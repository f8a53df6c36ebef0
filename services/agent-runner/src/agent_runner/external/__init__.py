"""Serving agents that run elsewhere: any runner serves any of them."""
