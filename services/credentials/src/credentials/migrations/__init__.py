"""The tables of the credentials service, as numbered SQL files."""
