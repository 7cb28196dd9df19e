"""A deterministic simulator of both sides: see ``docs/developer/workshop.rst``."""
