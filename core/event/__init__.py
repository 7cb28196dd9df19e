"""Routes of events to their handlers, feeds of changes, signed delivery to outside."""
