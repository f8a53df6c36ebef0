"""The use cases of what people change: prices, what calls cost by them, alerts."""
