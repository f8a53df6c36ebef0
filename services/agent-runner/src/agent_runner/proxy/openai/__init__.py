"""The wire format of OpenAI."""
