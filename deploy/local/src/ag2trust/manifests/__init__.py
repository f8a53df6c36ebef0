"""Installations written down: what there shall be, and what is to do for it."""
