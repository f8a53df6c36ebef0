"""The LLM proxy: what an official SDK says to a provider, and what comes back."""
