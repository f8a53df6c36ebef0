"""Limits that runners share: what each has leased of them, and may still use."""
