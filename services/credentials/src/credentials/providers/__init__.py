"""Providers: their configuration, the fields of their secrets, and when those end."""
