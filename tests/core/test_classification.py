"""What a failure means: which evidence counts, and which must not."""

import errno
import signal
import smtplib
from contextlib import contextmanager
from random import Random

import pytest
import requests
import urllib3
from http_answers import http_error
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core import exceptions as ours
from odoo.addons.pharmacy_sync.core.error import causes, http_causes
from odoo.addons.pharmacy_sync.core.error.classification import (
    classify,
    classify_response,
)
from odoo.addons.pharmacy_sync.core.error.evidence import (
    CHAIN_LIMIT,
    chain,
    smtp_reply,
)
from odoo.addons.pharmacy_sync.core.retry.decision import (
    After,
    Standing,
    next_attempt,
)
from odoo.addons.pharmacy_sync.core.retry.policy import DEFAULT_POLICY
from odoo.addons.pharmacy_sync.core.taxonomy import (
    TAXONOMY,
    Category,
    Delivery,
    ErrorType,
    Severity,
)

T = ErrorType


def chained(outer, inner):
    outer.__cause__ = inner
    return outer


# --- the table of defaults -------------------------------------------------

RETRIED, NOT_RETRIED = True, False


@pytest.mark.parametrize(
    ("status", "category", "severity", "retryable"),
    [
        (400, Category.BUSINESS, Severity.MEDIUM, NOT_RETRIED),
        (401, Category.SECURITY, Severity.HIGH, NOT_RETRIED),
        (403, Category.SECURITY, Severity.HIGH, NOT_RETRIED),
        (404, Category.BUSINESS, Severity.MEDIUM, NOT_RETRIED),
        (408, Category.TRANSIENT, Severity.MEDIUM, RETRIED),
        (410, Category.BUSINESS, Severity.MEDIUM, NOT_RETRIED),
        (412, Category.BUSINESS, Severity.LOW, RETRIED),
        (422, Category.BUSINESS, Severity.MEDIUM, NOT_RETRIED),
        (425, Category.EXTERNAL_DEPENDENCY, Severity.MEDIUM, RETRIED),
        (429, Category.TRANSIENT, Severity.LOW, RETRIED),
        (500, Category.EXTERNAL_DEPENDENCY, Severity.MEDIUM, RETRIED),
        (502, Category.EXTERNAL_DEPENDENCY, Severity.MEDIUM, RETRIED),
        (503, Category.EXTERNAL_DEPENDENCY, Severity.MEDIUM, RETRIED),
        (504, Category.EXTERNAL_DEPENDENCY, Severity.MEDIUM, RETRIED),
    ],
)
def test_defaults_of_http_status(status, category, severity, retryable):
    for found in (classify(http_error(status)), classify_response(status)):
        assert found.category is category
        assert found.severity is severity
        assert found.retryable is retryable
        assert found.http_status == status


def test_statuses_that_need_an_administrator():
    assert classify(http_error(401)).requires_admin_action
    assert classify(http_error(403)).requires_admin_action


def test_every_failing_status_is_classified():
    for status in range(300, 600):
        found = classify_response(status)
        assert found.type is not T.UNEXPECTED
        assert found.delivery is not Delivery.NOT_SENT


def test_the_taxonomy_is_total():
    assert set(TAXONOMY) == set(ErrorType)
    for info in TAXONOMY.values():
        assert info.suggested_action.endswith(".")


def test_every_row_of_the_tables_names_a_type():
    named = [
        *(cause.type for cause in causes.NAMES.values()),
        *(cause.type for cause in causes.OS_CODES.values()),
        *http_causes.STATUSES.values(),
        *causes.SQLSTATES.values(),
        *causes.CODES.values(),
    ]
    assert set(named) <= set(TAXONOMY)
    for refined in http_causes.REFINABLE.values():
        assert refined <= set(TAXONOMY)


def test_error_numbers_of_the_table_exist():
    assert set(causes.OS_CODES) <= set(errno.errorcode.values())


def test_what_is_no_reason_of_tls_is_no_code():
    found = classify(UnicodeEncodeError("utf-16", "x", 0, 1, "of another kind"))
    assert found.code is None


def test_a_number_is_the_systems_only_where_the_system_said_it():
    error = RuntimeError("x")
    error.errno = errno.ENOSPC
    assert classify(error).code is None
    assert classify(OSError(errno.ENOSPC, "x")).code == "ENOSPC"


def test_whatever_its_arguments_are_an_exception_is_classified():
    class OddError(Exception):
        args = 5

    assert classify(OddError("x")).type is T.UNEXPECTED


# --- a schema that changes ---------------------------------------------------


def sqlstate(state):
    error = RuntimeError("x")
    error.pgcode = state
    return error


@given(st.sampled_from(sorted(causes.CHANGING_SCHEMA)), st.integers(1, 9))
def test_a_schema_that_changes_is_waited_for_a_few_attempts(state, attempts):
    found = classify(sqlstate(state))
    assert found.type is T.UNEXPECTED
    assert not found.counts_for_breaker
    assert "addon" in found.suggested_action
    following = next_attempt(found, DEFAULT_POLICY, Standing(attempts), Random(0))
    few = attempts < DEFAULT_POLICY.max_attempts
    assert following.state is (After.WAITING if few else After.DEAD)


@given(st.text("0123456789ABCDEFP", min_size=3, max_size=3).map("42{}".format))
def test_any_other_state_of_its_class_is_a_defect_at_once(state):
    if state not in causes.CHANGING_SCHEMA:
        assert not classify(sqlstate(state)).retryable


# --- the order of evidence -------------------------------------------------


def test_a_503_is_retried():
    found = classify(http_error(503, "invalid"))
    assert found.retryable
    assert found.type is T.SERVICE_UNAVAILABLE


@pytest.mark.parametrize("base", [ValueError, TypeError, OSError, RuntimeError])
def test_an_exception_with_a_name_still_shows_its_status(base):
    class PharmacyError(base):
        status_code = 503

    assert classify(PharmacyError("x")).type is T.SERVICE_UNAVAILABLE


@pytest.mark.parametrize("message", ["invalid token", "timeout", "duplicate", "无效"])
def test_a_message_never_overrules_a_status(message):
    found = classify(http_error(401, message))
    assert found.type is T.AUTHENTICATION_FAILED
    assert found.confidence > 0.9


@given(st.text(), st.sampled_from([400, 401, 403, 404, 410, 412, 422, 429, 500, 503]))
def test_language_does_not_matter_where_there_is_a_status(message, status):
    assert classify_response(status, message=message).type is (
        classify_response(status).type
    )


@given(st.sampled_from(sorted(causes.CODES)))
def test_a_code_never_turns_an_outage_into_a_refusal(code):
    assert classify_response(503, code).type is T.SERVICE_UNAVAILABLE
    assert classify_response(401, code).category is Category.SECURITY


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (409, "duplicate", T.DUPLICATE_ORDER),
        (409, "version_conflict", T.VERSION_CONFLICT),
        (409, "insufficient_stock", T.INSUFFICIENT_STOCK),
        (409, "ORDER-ALREADY-PROCESSED", T.ORDER_ALREADY_PROCESSED),
        (422, "business_rule", T.BUSINESS_RULE_VIOLATION),
        (422, "unknown_reference", T.RESOURCE_NOT_FOUND),
        (422, "no such code", T.DATA_VALIDATION_FAILED),
        (401, "invalid_credentials", T.INVALID_CREDENTIALS),
        (404, "invalid_supplier", T.INVALID_SUPPLIER),
    ],
)
def test_the_code_makes_a_status_more_exact(status, code, expected):
    assert classify_response(status, code).type is expected
    assert classify(ours.HttpError(status, code)).type is expected


def test_a_409_without_a_code_is_reported_by_its_body():
    assert classify_response(409, body_keys=["existing_id"]).type is T.DUPLICATE_ORDER
    assert classify_response(409, body_keys=["current"]).type is T.VERSION_CONFLICT
    assert classify(ours.HttpError(409, body={"existing_id": "po_1"})).type is (
        T.DUPLICATE_ORDER
    )
    by_message = classify_response(409, message="The order already exists")
    assert by_message.type is T.DUPLICATE_ORDER
    assert by_message.confidence < classify_response(409, "duplicate").confidence
    assert classify_response(409).confidence < 0.7


def test_a_reference_to_what_is_missing_is_what_its_entity_says():
    missing = {"supplier_id": T.INVALID_SUPPLIER}
    other = classify_response(422, "unknown_reference", field="x", missing=missing)
    assert other.type is T.RESOURCE_NOT_FOUND
    found = classify_response(
        422, "unknown_reference", field="supplier_id", missing=missing
    )
    assert found.type is T.INVALID_SUPPLIER


def test_the_last_answer_counts_not_the_failure_handled_when_it_came():
    error = http_error(401)
    error.__context__ = ConnectionResetError()
    assert classify(error).type is T.AUTHENTICATION_FAILED


def test_a_wrapper_says_what_it_wraps():
    assert classify(chained(RuntimeError("x"), ConnectionRefusedError())).type is (
        T.CONNECTION_REFUSED
    )
    assert classify(chained(ours.SyncError("x"), http_error(503))).type is (
        T.SERVICE_UNAVAILABLE
    )


def test_a_cause_is_less_certain_than_the_exception_itself():
    inner = ConnectionRefusedError()
    assert classify(chained(RuntimeError("x"), inner)).confidence < (
        classify(inner).confidence
    )


def test_a_fault_of_the_program_is_no_business_error_and_not_retried():
    for error in (TypeError("invalid supplier"), KeyError("duplicate")):
        found = classify(chained(error, ConnectionRefusedError()))
        assert found.type is T.UNEXPECTED
        assert found.category is Category.SYSTEM
        assert found.severity is Severity.HIGH
        assert not found.retryable
    assert classify(ValueError("invalid supplier")).category is Category.SYSTEM
    wrapped = classify(chained(RuntimeError("invalid"), KeyError("x")))
    assert wrapped.category is Category.SYSTEM


def test_only_the_message_is_left():
    found = classify(Exception("Connection timed out"))
    assert found.type is T.NETWORK_TIMEOUT
    assert found.confidence < 0.5
    assert classify(Exception("timeout")).type is T.NETWORK_TIMEOUT
    assert classify(Exception("time out")).type is T.NETWORK_TIMEOUT
    assert classify(Exception("the amount is invalid")).type is (
        T.DATA_VALIDATION_FAILED
    )


def test_an_unknown_failure_goes_to_the_administrator():
    found = classify(Exception("Quatsch"))
    assert found.type is T.UNEXPECTED
    assert found.requires_admin_action
    assert not found.retryable


# --- chains ----------------------------------------------------------------


@contextmanager
def within(seconds):
    """Fail, instead of hanging, if it takes longer."""

    def fail(signum, frame):
        raise AssertionError(f"not done after {seconds} s")

    before = signal.signal(signal.SIGALRM, fail)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_chain_that_never_ends_ends():
    one, other = RuntimeError("one"), RuntimeError("other")
    one.__cause__, other.__cause__ = other, one
    one.last_error = one
    with within(5):
        assert classify(one).type is T.UNEXPECTED


def test_a_very_long_chain_ends():
    error = first = RuntimeError("0")
    for number in range(100_000):
        error = chained(RuntimeError(number), error)
    assert first is not error
    assert len(chain(error)) == CHAIN_LIMIT
    with within(5):
        assert classify(error).type is T.UNEXPECTED
    while error is not None:  # taken apart here: freeing it recursively is slow
        error.__cause__, error = None, error.__cause__


def test_an_exception_that_cannot_be_read_is_classified():
    class HostileError(Exception):
        @property
        def response(self):
            raise RuntimeError("no")

        def __str__(self):
            raise RuntimeError("no")

    found = classify(HostileError())
    assert found.type is T.UNEXPECTED
    assert found.message == "HostileError"


# --- delivery --------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        ConnectionResetError(),
        BrokenPipeError(),
        requests.ReadTimeout(),
        ours.ApiTimeoutError("x"),
    ],
)
def test_an_answer_lost_after_sending_is_an_unknown_outcome(error):
    lost = classify(error, sent=True)
    assert (lost.type, lost.delivery) == (T.OUTCOME_UNKNOWN, Delivery.UNKNOWN)
    assert lost.retryable
    kept = classify(error, sent=False)
    assert kept.type in (T.NETWORK_TIMEOUT, T.CONNECTION_RESET)
    assert kept.delivery is Delivery.NOT_SENT


def test_if_nobody_knows_whether_it_left_a_dangerous_request_is_looked_up():
    error = ConnectionResetError()
    assert classify(error).type is T.CONNECTION_RESET
    assert classify(error, idempotent=False).type is T.OUTCOME_UNKNOWN


@pytest.mark.parametrize(
    "error", [ConnectionRefusedError(), requests.ConnectTimeout(), OSError(113, "x")]
)
def test_what_never_connected_was_never_sent(error):
    assert classify(error, sent=True).delivery is Delivery.NOT_SENT


def unconnected():
    """As a library says that this process may open no socket any more."""
    socket_error = OSError(errno.EMFILE, "Too many open files")
    new = urllib3.exceptions.NewConnectionError(None, "Failed to connect")
    chained(new, socket_error)
    return requests.ConnectionError(
        urllib3.exceptions.MaxRetryError(None, "/", reason=new)
    )


def test_what_found_no_connection_was_never_sent_whatever_the_reason():
    found = classify(unconnected(), sent=True)
    assert (found.type, found.delivery) == (T.RESOURCE_EXHAUSTED, Delivery.NOT_SENT)


def test_a_connection_that_an_earlier_call_did_not_find_says_nothing_of_this_one():
    error = OSError(errno.EMFILE, "Too many open files")
    error.__context__ = unconnected()
    assert classify(error, sent=True).delivery is Delivery.UNKNOWN


def test_a_gateway_that_lost_the_answer_leaves_the_outcome_unknown():
    assert classify(http_error(504)).delivery is Delivery.UNKNOWN
    assert classify_response(502).delivery is Delivery.UNKNOWN
    assert classify_response(503).delivery is Delivery.ANSWERED


def test_our_own_failure_after_sending_leaves_the_outcome_unknown():
    assert classify(TypeError(), sent=True).delivery is Delivery.UNKNOWN
    assert classify(TypeError(), sent=False).delivery is Delivery.NOT_SENT


# --- our own exceptions ----------------------------------------------------


def test_used_up_retries_keep_the_type_of_the_last_error_but_end():
    found = classify(ours.MaxRetriesExceededError("x", last_error=http_error(503)))
    assert found.type is T.SERVICE_UNAVAILABLE
    assert not found.retryable


def test_a_rejected_call_says_nothing_of_the_health_of_the_app():
    found = classify(ours.CircuitBreakerOpenError("x", retry_after=7))
    assert not found.counts_for_breaker
    assert found.retryable
    assert found.delivery is Delivery.NOT_SENT
    assert found.retry_after == 7


def test_a_full_pool_is_no_disaster():
    found = classify(ours.ResourcePoolFullError("x"))
    assert found.category is Category.RESOURCE_EXHAUSTION
    assert found.severity is Severity.MEDIUM
    assert found.retryable


def test_a_missing_dependency_is_awaited():
    missing = ours.DependencyMissingError("a", "1", error_type=T.INVALID_SUPPLIER)
    assert classify(missing).type is T.INVALID_SUPPLIER
    found = classify(ours.DependencyMissingError("product", "p1"))
    assert found.type is T.RESOURCE_NOT_FOUND
    assert found.retryable


def test_an_explicit_type_decides():
    assert classify(ours.SyncError("x", error_type=T.INSUFFICIENT_STOCK)).type is (
        T.INSUFFICIENT_STOCK
    )


def test_all_exceptions_of_ours_are_sync_errors():
    raised = [
        value
        for value in vars(ours).values()
        if isinstance(value, type) and issubclass(value, Exception)
    ]
    assert len(raised) >= 13
    assert all(issubclass(error, ours.SyncError) for error in raised)


@pytest.mark.parametrize("set_aside", [False, True])
def test_what_was_being_handled_is_a_cause_unless_it_was_set_aside(set_aside):
    error = ValueError("bad")
    error.__context__ = ConnectionRefusedError(111, "refused")
    error.__suppress_context__ = set_aside
    found = classify(error).type
    assert found is (T.UNEXPECTED if set_aside else T.CONNECTION_REFUSED)


def test_recipients_that_no_mail_server_refused_are_no_reply():
    error = smtplib.SMTPDataError(550, b"no such box")
    error.recipients = ["a@example.com"]
    alike = smtplib.SMTPDataError(550, b"no such box")
    assert classify(error) == classify(alike)


@pytest.mark.parametrize(
    "status, known", [(299, None), (300, 300), (599, 599), (600, None)]
)
def test_a_status_is_that_of_a_failing_answer(status, known):
    error = RuntimeError("x")
    error.status = status
    assert classify(error).http_status == known


def test_each_failure_of_a_chain_is_looked_at_once():
    """Also where they hold each other as causes."""
    outer, inner, last = KeyError("a"), ValueError("b"), TypeError("c")
    outer.__cause__, outer.__context__ = inner, inner
    inner.args = (outer, last, inner)
    assert chain(outer) == [outer, inner, last]


@pytest.mark.parametrize(
    ("code", "reply"), [(399, None), (400, 400), (599, 599), (600, None), ("550", None)]
)
def test_a_refusal_of_a_mail_server_has_a_code_of_the_400s_or_500s(code, reply):
    assert smtp_reply(smtplib.SMTPDataError(code, b"no")) == reply
    several = smtplib.SMTPRecipientsRefused({"a": (550, b"no"), "b": (code, b"no")})
    if isinstance(code, int):
        assert smtp_reply(several) == (min(550, code) if code != 399 else None)
