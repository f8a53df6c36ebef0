"""Runs agents, and stands between them and the providers."""
