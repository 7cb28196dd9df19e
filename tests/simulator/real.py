"""The network between the real client and the real app, and workers that are killed.

A call passes two doors: before it leaves, and once its answer is there. At each door
the history may go on elsewhere (a person edits, another worker runs), or the worker
dies. Both doors are outside of the guarded call, so that what happens there is not in
its transaction. A worker also dies just before and just after a commit.
"""

import requests

from odoo.addons.pharmacy_sync.client import pharmacy, session
from odoo.addons.pharmacy_sync.core.retry import decision
from odoo.addons.pharmacy_sync.models.base import own_transaction
from odoo.addons.pharmacy_sync.models.call import sync_breaker

# Seconds that what failed waits, longer than any history takes: whether it is due again
# is up to the history, and not to how fast the machine is.
LONG = 3600.0


class Killed(BaseException):
    """A worker's process is gone; no ``except Exception`` holds it up."""


class Network:
    """Stands in the way of every call and commit while it is entered.

    :param random: where all chance comes from
    :param door: called at each door and after each commit, with its name; may raise
        :class:`Killed`
    :param note: called with what becomes of each call
    """

    def __init__(self, random, door, note):
        self.random, self.door, self.note = random, door, note
        self.trouble = self.loses_new = 0.0
        self.late = []
        self._restore = []

    def __enter__(self):
        call, retrying = pharmacy.PharmacyClient._call, own_transaction.retrying
        send = session._DeadlineAdapter.send

        def watched_call(client, method, path, **kwargs):
            self.door("before the call")
            try:
                return call(client, method, path, **kwargs)
            finally:
                self.door("before the answer")

        def watched_retrying(function, env):
            def body():
                result = function()
                self.door("before the commit")
                return result

            result = retrying(body, env)
            # Then the caller's cursor commits; to die there is the next door's.
            return result

        def faulty_send(adapter, request, **kwargs):
            # What arrives late is no less allowed.
            allowed = session._internal.get()

            def carry():
                token = session._internal.set(allowed)
                try:
                    return send(adapter, request, **kwargs)
                finally:
                    session._internal.reset(token)

            return self._carry(carry, request)

        for owner, name, function in (
            (pharmacy.PharmacyClient, "_call", watched_call),
            (own_transaction, "retrying", watched_retrying),
            (session._DeadlineAdapter, "send", faulty_send),
            # Read each time, not once a second: each reading passes a door.
            (sync_breaker, "BELIEVED", 0),
            (decision, "delay", lambda *_args, **_options: LONG),
        ):
            self._restore.append((owner, name, getattr(owner, name)))
            setattr(owner, name, function)
        return self

    def __exit__(self, *_exc):
        while self._restore:
            setattr(*self._restore.pop())

    def _carry(self, send, request):
        fate = "carried"
        if self.random.random() < self.trouble:
            fate = self.random.choice(("refused", "dropped", "lost", "late", "doubled"))
        elif self.loses_new and _creates(request):
            fate = "lost" if self.random.random() < self.loses_new else fate
        self.note(fate, request.method, request.path_url, request.body)
        if fate == "refused":
            raise requests.exceptions.ConnectTimeout("refused")
        answer = send() if fate in ("carried", "lost", "doubled") else None
        if fate in ("late", "doubled"):
            self.late.append(send)
        if fate == "lost":
            answer.close()  # the connection goes back to its pool
        if fate in ("dropped", "lost", "late"):
            raise requests.exceptions.ReadTimeout(fate)
        return answer

    def deliver_late(self):
        """A stray request arrives, not necessarily the oldest; nobody waits."""
        send = self.late.pop(self.random.randrange(len(self.late)))
        self.note("late arrives")
        send().close()


def _creates(request):
    """Whether a request, alone or in a batch, makes a new record."""
    batch = request.path_url.endswith("/batch")
    return request.method == "POST" and (not batch or b'"create"' in request.body)
