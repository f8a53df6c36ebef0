"""The one-machine launcher and the command line."""
