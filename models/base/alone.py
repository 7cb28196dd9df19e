"""One record's work among others': it fails alone."""

from contextlib import contextmanager
from dataclasses import dataclass

from .own_transaction import NOT_THE_RECORD


@dataclass
class Failure:
    """What the work of one record failed with; false while it has not."""

    error: Exception | None = None

    def __bool__(self):
        return self.error is not None


@contextmanager
def alone(env):
    """Let one record's work fail without its neighbours::

        with alone(self.env) as failure:
            record._do()
        if failure:
            record._keep(failure.error)

    What was written before is flushed first: if that fails, it is not this record's
    failure, and is raised. What fails inside is rolled back, the rest of the block is
    left, and the caller finds the exception in the :class:`Failure`.

    :raises Exception: of :data:`.own_transaction.NOT_THE_RECORD`: the transaction has
        to be replayed as a whole, or is lost
    """
    env.cr.flush()
    failure = Failure()
    try:
        with env.cr.savepoint():
            yield failure
    except NOT_THE_RECORD:
        raise
    except Exception as exc:
        # Any: also what other addons' code raises is that record's failure.
        failure.error = exc
