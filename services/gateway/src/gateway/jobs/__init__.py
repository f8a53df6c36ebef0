"""Jobs: what changes an organization's things step by step, whoever works at it."""
