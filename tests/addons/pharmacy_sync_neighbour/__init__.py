from . import overrides


def pre_init_hook(env):
    """Products that exist have a hazard class: from then on it is required."""
    env.cr.execute("ALTER TABLE product_template ADD COLUMN hazard varchar")
    env.cr.execute("UPDATE product_template SET hazard = 'none'")
