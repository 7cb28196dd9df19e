# The name as it came, and what it is now.
BEFORE = "Pharmacy Sync: tell what is wrong"
NOW = "Pharmacy Sync: check the alert rules"


def migrate(cr, version):
    """A scheduled action that nobody has named otherwise is named plainly."""
    cr.execute(
        """UPDATE ir_act_server
              SET name = name || jsonb_build_object('en_US', %s::text)
            WHERE name ->> 'en_US' = %s""",
        [NOW, BEFORE],
    )
    cr.execute("UPDATE ir_cron SET cron_name = %s WHERE cron_name = %s", [NOW, BEFORE])
