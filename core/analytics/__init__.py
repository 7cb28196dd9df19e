"""Figures: health score, reliability, state of a backend, ranges of time."""
