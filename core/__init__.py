"""The algorithms of synchronisation: plain Python, no Odoo, no input or output.

Times are POSIX seconds (UTC) and durations are seconds unless a name says otherwise.
Nothing here reads a clock or draws a random number by itself: both are arguments.
"""
