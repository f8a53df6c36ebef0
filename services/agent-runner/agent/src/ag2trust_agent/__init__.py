"""The default agent: a small loop on the official SDKs."""
