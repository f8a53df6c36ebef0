"""What every service agrees on: contracts, the bus, errors, identities, lifecycle."""
