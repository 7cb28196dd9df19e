"""From an exception or an answer to what it means: evidence, causes, classification."""
