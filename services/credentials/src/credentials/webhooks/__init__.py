"""Secrets of webhooks: kept for the metrics service, and leased to it alone."""
