"""The tools of agents, which the runner runs in their stead."""
