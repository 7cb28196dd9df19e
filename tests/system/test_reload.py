"""A server that reaches its memory limit reloads itself, and is there again."""

import signal

from system_servers import wait_until

STARTED = "HTTP service (werkzeug) running"
RELOADED = 60  # seconds


def test_server_comes_back(stack):
    before = _starts(stack)
    # Odoo sends itself this signal when it has grown too large.
    stack.odoo.send_signal(signal.SIGHUP)
    wait_until(
        lambda: _starts(stack) > before, RELOADED, lambda: stack.odoo.log.read_text()
    )
    (order,) = stack.synced_orders(1)
    assert stack.external_id(order)


def _starts(stack):
    return stack.odoo.log.read_text(errors="replace").count(STARTED)
