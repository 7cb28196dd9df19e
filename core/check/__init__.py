"""Checks of what comes from outside: texts, numbers, payloads, schemas."""
