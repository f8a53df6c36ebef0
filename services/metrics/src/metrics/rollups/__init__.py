"""Sums by time and by dimension, and how a period is read from them; pure."""
