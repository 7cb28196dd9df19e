"""The protocol of one mapping, and how records travel: push, arrival, listing."""
