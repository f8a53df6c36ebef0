"""Agents in Docker containers."""
