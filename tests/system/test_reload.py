"""A server reloads itself, and is there again: as it reaches its memory limit, and as a
developer changes code."""

import signal

from system_servers import OdooServer, wait_until, with_addons

STARTED = "HTTP service (werkzeug) running"
WATCHES = "AutoReload watcher running"
RELOADED = 60  # seconds


class WatchingServer(OdooServer):
    """A developer's: it watches all its addons, and those of one more folder."""

    def __init__(self, folder, database):
        super().__init__(folder, database)
        self.addon = folder / "addons/watched"
        self.addon.mkdir(parents=True)
        (self.addon / "__init__.py").touch()
        (self.addon / "__manifest__.py").write_text("{'name': 'Watched'}")

    def words(self):
        return [*super().words(), *with_addons(self.addon.parent), "--dev=reload"]


def test_server_comes_back(stack):
    before = _starts(stack.odoo)
    # Odoo sends itself this signal when it has grown too large.
    stack.odoo.send_signal(signal.SIGHUP)
    _wait_for_start(stack.odoo, before)
    (order,) = stack.synced_orders(1)
    assert stack.external_id(order)


def test_server_that_watches_its_addons_comes_back_with_changed_code(stack, tmp_path):
    server = WatchingServer(tmp_path, stack.database)
    try:
        server.start()
        wait_until(lambda: WATCHES in _log(server), RELOADED, lambda: _log(server))
        before = _starts(server)
        (server.addon / "changed.py").write_text("CHANGED = True\n")
        _wait_for_start(server, before)
    finally:
        server.kill()


def _wait_for_start(server, before):
    wait_until(lambda: _starts(server) > before, RELOADED, lambda: _log(server))


def _starts(server):
    return _log(server).count(STARTED)


def _log(server):
    return server.log.read_text(errors="replace")
