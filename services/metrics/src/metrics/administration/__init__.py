"""The use cases of prices: an organization's own, and pricing anew."""
