# Names as they came, and what they are now.
NAMES = {
    "Any critical error": "Critical error",
    "Breaker opened": "Connection interrupted",
    "Dead letters": "Failed changes",
}


def migrate(cr, version):
    """Rules that nobody has named otherwise are named in plain words."""
    cr.executemany(
        """UPDATE sync_alert_rule
              SET name = name || jsonb_build_object('en_US', %s::text)
            WHERE name ->> 'en_US' = %s""",
        [(now, before) for before, now in NAMES.items()],
    )
