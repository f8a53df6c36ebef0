"""HTTP in, one question on the bus out: a module for each noun of the API."""
