"""Counts every call once and answers what was used."""
