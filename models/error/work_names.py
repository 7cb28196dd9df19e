from odoo.tools import LazyTranslate

_lt = LazyTranslate(__name__)
# The work of errors that say that one could not be recorded or sent as it should be.
HANDLING = "error handling"
# What people call the work that failed, where it is neither an operation nor a model.
WORK_NAMES = {
    "api": _lt("Call of the pharmacy app"),
    "compare": _lt("Comparison"),
    "connect": _lt("Connection"),
    "delivery job": _lt("Job that delivers messages"),
    HANDLING: _lt("Recording or reporting a failure"),
    "fallback": _lt("Look-up, and what serves in its place"),
    "lookup": _lt("Look-up"),
    "webhook": _lt("Webhook"),
    "push job": _lt("Job that sends"),
    "pull job": _lt("Job that reads"),
    "event job": _lt("Job that delivers events"),
    "recovery": _lt("Recovery of what was left behind"),
    "automated fix": _lt("Call of the service for automated fixes"),
    "escalation": _lt("Step of an escalation"),
    "killed job": _lt("Job whose worker died"),
    "saga job": _lt("Job of a saga"),
    "long work": _lt("Job of long work"),
    "scheduled maintenance": _lt("Scheduled maintenance"),
    "scheduled pull": _lt("Scheduled reading"),
    "scheduled reports": _lt("Scheduled reports"),
    "scheduled comparison": _lt("Scheduled comparison"),
    "scheduled figures": _lt("Scheduled figures"),
    "scheduled preview": _lt("Scheduled preview of an initial synchronisation"),
    "scheduled look": _lt("Look for changes past Odoo's records"),
}
