"""The algorithms of synchronisation: plain Python, no Odoo, no input or output.

The rooms are named like those of ``models/`` where they serve one of them. What every
room needs stands beside this file: the taxonomy of failures, exceptions, settings.

Times are POSIX seconds (UTC) and durations are seconds unless a name says otherwise.
Nothing here reads a clock or draws a random number by itself: both are arguments.
"""
