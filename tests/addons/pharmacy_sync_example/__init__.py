from . import price_list


def post_init_hook(env):
    """Backends that exist get a stream for the new entity; others begin with it."""
    env["sync.backend"].search([])._create_parts()


def uninstall_hook(env):
    """A stream goes with its entity, and what belongs to it with the stream."""
    streams = env["sync.stream"].with_context(active_test=False)
    streams.search([("entity", "=", "price_list")]).unlink()
