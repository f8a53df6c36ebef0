"""One call to a provider that an operator asked for: a test, a list of its models."""
