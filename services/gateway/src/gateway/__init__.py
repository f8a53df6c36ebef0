"""The one door from outside: HTTP in, questions on the bus out."""
