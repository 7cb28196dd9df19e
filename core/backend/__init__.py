"""One pharmacy app: address, credentials, abilities, its own names, directions."""
