"""The numbered SQL files of the gateway's schema."""
