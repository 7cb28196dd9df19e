"""What is known of one attempt of an operation that failed."""

from dataclasses import dataclass, field, replace
from typing import Any

from ...core.error.classification import Classification


@dataclass(frozen=True)
class FailedAttempt:
    """One operation's failed attempt, as errors are recorded and decided by.

    :ivar operation: record of ``sync.operation``
    :ivar exception: what was raised, or what the app's answer comes to
    :ivar about: more values of the error's row
    """

    operation: Any
    classification: Classification
    exception: Exception | None = None
    about: dict[str, Any] = field(default_factory=dict)

    def with_values(self, **about):
        """The same with more values of the error's row."""
        return replace(self, about={**self.about, **about})
