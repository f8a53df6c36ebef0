"""The commands that ask a gateway, on its client."""
