"""The local journal that loses no model call."""
