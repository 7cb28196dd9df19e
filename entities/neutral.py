"""The one environment in which both sides are compared, decided on and written."""

from ..core.check.text_checks import VISIBLE

# What the addon itself puts in a context, for those that it calls. A caller's own
# context may have anything by these names.
OWN_KEYS = ("job_uuid", "sync_correlation_id")
# Odoo's own terms are written in it. A name that stands for a code, such as a unit's,
# is read in it, whatever language names travel in.
SOURCE_LANG = "en_US"


def cause_of(env):
    """The correlation id of what the work in a context is a part of, or None: one that
    cannot travel in a header is none, whoever put it there."""
    given = env.context.get("sync_correlation_id")
    good = isinstance(given, str) and VISIBLE.fullmatch(given)
    return given if good else None


def neutral(records, backend=None, **more):
    """``records`` in the neutral environment: work of the protocol begins here.

    The language, time zone, companies, defaults and whatever else the context of a
    person, a caller or a job says stay outside: values are read and written in the
    backend's language, in its company, and with UTC for a time zone. The user stays,
    and so do superuser rights: they say who did it, and what they may do.

    Texts for the person at the screen are made before it, in that person's language.

    :param backend: the ``sync.backend`` that the work is for; none where it is for
        several, or not known
    :param more: keys of the context besides
    """
    known = records.env.context
    context = {name: known[name] for name in OWN_KEYS if name in known}
    context.update(lang=SOURCE_LANG, tz="UTC")
    if backend:
        backend = backend.sudo()
        context.update(lang=backend.lang, allowed_company_ids=backend.company_id.ids)
    # Not with_context(): it keeps what is not given, or the companies at least.
    return records.with_env(records.env(context={**context, **more}))
