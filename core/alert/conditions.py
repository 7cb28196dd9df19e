"""What a rule may look at, and what is known of every alert of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..taxonomy import TextEnum
from ..texts import _lt


class Condition(TextEnum):
    """What a rule looks at: the key of :data:`KINDS`."""

    CRITICAL_ERROR = "critical_error"
    AUTHENTICATION = "authentication"
    ERROR_RATE = "error_rate"
    ERROR_SPIKE = "error_spike"
    BREAKER_OPENED = "breaker_opened"
    DEAD_LETTER = "dead_letter"
    HANDLER_FAILED = "handler_failed"
    HEALTH_SCORE = "health_score"
    RECOVERY_FAILED = "recovery_failed"
    SET_BACK = "set_back"
    COPIED = "copied"
    RULE_PROPOSED = "rule_proposed"
    FALLBACK_FAILED = "fallback_failed"
    HANDLING_FAILED = "handling_failed"
    OLD_QUEUE = "old_queue"
    EVENTS_HELD = "events_held"
    FEED_HELD = "feed_held"
    CONFLICTS_WAIT = "conflicts_wait"
    WORK_FAILED = "work_failed"
    JOB_FAILED = "job_failed"
    CHANNEL_FAILED = "channel_failed"
    WEBHOOKS_REFUSED = "webhooks_refused"
    CLOCK_WRONG = "clock_wrong"
    RAISED = "raised"


@dataclass(frozen=True)
class Kind:
    """What is known of every alert of one condition.

    ``title``, ``advice`` and ``gone`` are what happened, what to do, and why it is
    resolved by itself. ``below``: it is raised by a figure below the threshold, not
    above. ``counted``: the figure is a count within the rule's window. ``grows``: its
    severity does, with the figure. ``inhibited``: it follows from a backend that is
    down. ``correlated``: it is notified together with others that start with it.
    """

    title: str
    advice: str
    gone: str
    below: bool = False
    counted: bool = False
    grows: bool = False
    inhibited: bool = False
    correlated: bool = False


_C = Condition

KINDS: Mapping[Condition, Kind] = {
    _C.CRITICAL_ERROR: Kind(
        _lt("Critical error: %(subject)s"),
        _lt("Open the error, and do what it advises before anything else."),
        _lt("The errors are resolved."),
    ),
    _C.AUTHENTICATION: Kind(
        _lt("Access refused: %(subject)s"),
        _lt("Renew the key or grant the permission, then retry."),
        _lt("The errors are resolved."),
        correlated=True,
    ),
    _C.ERROR_RATE: Kind(
        _lt("%(value)s errors within %(window)s seconds"),
        _lt("Look which errors are the most frequent, and what they advise."),
        _lt("Errors are rare again."),
        counted=True,
        inhibited=True,
        correlated=True,
    ),
    _C.ERROR_SPIKE: Kind(
        _lt("The same error %(value)s times within %(window)s seconds: %(subject)s"),
        _lt("Open the error, and do what it advises."),
        _lt("The error is rare again."),
        counted=True,
        grows=True,
        inhibited=True,
        correlated=True,
    ),
    _C.BREAKER_OPENED: Kind(
        _lt("No connection to %(subject)s: %(cause)s"),
        _lt(
            "See whether the pharmacy app runs and can be reached. Changes are kept,"
            " and go out by themselves when it answers."
        ),
        _lt("The pharmacy app answers again."),
    ),
    _C.DEAD_LETTER: Kind(
        _lt("Failed changes (%(value)s): %(subject)s"),
        _lt("Open the failed changes, correct what they failed of, then retry them."),
        _lt("None of these failed changes is left."),
        correlated=True,
    ),
    _C.HANDLER_FAILED: Kind(
        _lt("Events not delivered (%(value)s), handler %(subject)s: %(cause)s"),
        _lt("Open the events, mend what their handler failed at, then deliver again."),
        _lt("No event is left that was not delivered."),
    ),
    _C.HEALTH_SCORE: Kind(
        _lt("Health score %(value)s, below %(threshold)s"),
        _lt("The overview says what takes the points away."),
        _lt("The score has recovered."),
        below=True,
        inhibited=True,
    ),
    _C.RECOVERY_FAILED: Kind(
        _lt("Recovery failed: %(subject)s: %(cause)s"),
        _lt("It does not go on by itself: open it, and put it in order by hand."),
        _lt("It is in order again."),
    ),
    _C.SET_BACK: Kind(
        _lt(
            "The pharmacy app was set back to an earlier state: %(subject)s: %(cause)s"
        ),
        _lt(
            "All is read again and compared. What Odoo had agreed on since is sent"
            " again, or asked about; nothing old is written in Odoo. Decide the"
            " conflicts, then look at the drift that the comparisons propose to repair."
        ),
        _lt("Both sides were compared and repaired."),
    ),
    _C.COPIED: Kind(
        _lt("This database is a copy, or was moved: %(subject)s"),
        _lt(
            "Nothing is exchanged with the pharmacy app. If this is the original, a"
            " manager says so on the backend; a copy stays as it is."
        ),
        _lt("A manager has said that this is the original."),
    ),
    _C.RULE_PROPOSED: Kind(
        _lt("What is sent needs a decision: %(subject)s"),
        _lt(
            "Several pharmacy apps could get the same records, so that only what is"
            " linked already is sent. Open the stream and choose which records belong"
            " on it, or confirm it as it is."
        ),
        _lt("A person has chosen what is sent."),
    ),
    _C.FALLBACK_FAILED: Kind(
        _lt("Nothing served in place of the pharmacy app: %(subject)s"),
        _lt("See why the app does not answer; nobody had an older value either."),
        _lt("The errors are resolved."),
        inhibited=True,
    ),
    _C.HANDLING_FAILED: Kind(
        _lt("Failures could not be recorded or reported: %(subject)s"),
        _lt("Look at the server log at that time: it has what is missing here."),
        _lt("The errors are resolved."),
    ),
    _C.OLD_QUEUE: Kind(
        _lt("Changes have waited for %(value)s min: %(subject)s"),
        _lt("See whether the job runner works, and whether its channels have room."),
        _lt("Changes are taken up in time again."),
        inhibited=True,
    ),
    _C.EVENTS_HELD: Kind(
        _lt("Events have waited for %(value)s min: %(subject)s"),
        _lt("See whether the job runner works, and whether one job blocks another."),
        _lt("Events are delivered in time again."),
    ),
    _C.FEED_HELD: Kind(
        _lt("The pharmacy app gets no changes for %(value)s min: %(subject)s"),
        _lt("A transaction of Odoo is open for long: find it, and have it end."),
        _lt("Changes reach the app again."),
    ),
    _C.CONFLICTS_WAIT: Kind(
        _lt("Conflicts (%(subject)s) have waited for %(value)s h"),
        _lt("Decide them, or assign them to a person who can."),
        _lt("No conflict waits for long."),
    ),
    _C.WORK_FAILED: Kind(
        _lt("Failed: %(subject)s: %(cause)s"),
        _lt("Open it, mend what it failed at, and start it again."),
        _lt("It was done since."),
    ),
    _C.JOB_FAILED: Kind(
        _lt("Jobs failed (%(value)s): %(subject)s: %(cause)s"),
        _lt("Open the jobs in Odoo's job queue, then requeue or cancel them."),
        _lt("None of these failed jobs is left."),
    ),
    _C.CHANNEL_FAILED: Kind(
        _lt("Nothing gets through to %(subject)s: %(cause)s"),
        _lt("Correct its address or key, and send a test."),
        _lt("It got through again."),
    ),
    _C.WEBHOOKS_REFUSED: Kind(
        _lt("Webhooks refused (%(value)s) within an hour: %(cause)s"),
        _lt(
            "Enter the secret that the pharmacy app signs with, or see who sends them."
        ),
        _lt("No more are refused."),
    ),
    _C.CLOCK_WRONG: Kind(
        _lt("A clock is wrong: webhooks refused for their time (%(value)s)"),
        _lt("Set the clock of Odoo's server and that of the pharmacy app."),
        _lt("Webhooks have the right time again."),
    ),
    _C.RAISED: Kind(
        _lt("Another addon reports: %(subject)s"),
        _lt("See what that addon says of it, and resolve the alert once it is over."),
        _lt("The addon says that it is over."),
    ),
}
