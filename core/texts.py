"""Sentences of the core that people read."""


def _lt(text: str) -> str:
    """Mark a sentence for the catalogue of texts. Plain Python knows no languages:
    whoever shows the sentence translates it."""
    return text
