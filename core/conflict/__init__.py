"""Comparing and merging both sides of a record; conflict policies, rules, decisions."""
