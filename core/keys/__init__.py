"""How both sides know a record or a line: codes, and keys of lines."""
