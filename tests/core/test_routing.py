"""Which handlers get an event."""

from odoo.addons.pharmacy_sync.core.event.routing import (
    HANDLER_POLICY,
    Route,
    routes_for,
)
from odoo.addons.pharmacy_sync.core.retry.policy import exponential

ROUTES = [
    Route("sync", "_handle_sync", ("order_*", "supplier_changed"), 20),
    Route("audit", "_handle_audit"),
    Route("notice", "_handle_notice", ("order_cancelled",), 10),
    # A handler gets an event once.
    Route("notice", "_handle_notice_late", ("order_*",), 10),
]


def methods(event_type):
    return [route.method for route in routes_for(event_type, ROUTES)]


def test_an_event_goes_to_each_handler_that_takes_its_type_once_by_priority():
    assert methods("order_cancelled") == [
        "_handle_notice",
        "_handle_sync",
        "_handle_audit",
    ]
    assert "_handle_notice_late" in methods("order_made")
    assert "_handle_notice" not in methods("order_made")
    assert methods("product_changed") == ["_handle_audit"]


def test_a_handler_that_fails_is_tried_for_an_hour_and_a_half():
    attempts = range(1, HANDLER_POLICY.max_attempts)
    seconds = sum(exponential(HANDLER_POLICY, attempt) for attempt in attempts)
    assert 1.4 < seconds / 3600 < 1.6
