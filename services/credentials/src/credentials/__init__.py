"""Keeps provider secrets sealed and leases them to enrolled runners."""
