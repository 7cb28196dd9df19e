"""A deterministic simulator of both sides: see ``readme/DEVELOP.rst``."""
