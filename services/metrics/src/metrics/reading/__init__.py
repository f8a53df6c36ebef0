"""The use cases of whoever asks what was used."""
