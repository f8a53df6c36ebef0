"""Making what runs match what should run."""
