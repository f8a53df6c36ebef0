"""Events told to servers of an organization's own, at least once."""
