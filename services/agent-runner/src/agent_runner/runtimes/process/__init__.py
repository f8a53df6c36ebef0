"""Agents as plain processes."""
