"""What the kit found: a value, and the text that shows it."""

import json
from dataclasses import dataclass
from enum import Enum

from ...core.secrets.redaction import redact

# Characters of a body that are shown, and exchanges of a finding.
SHOWN, LAST = 600, 2


class State(str, Enum):
    """What came of a check: *broken* is what the contract does not allow, *absent* an
    ability that the app does without."""

    HOLDS = "holds"
    ABSENT = "absent"
    BROKEN = "broken"

    __str__ = str.__str__


@dataclass(frozen=True)
class Asked:
    """A request and its answer. ``status`` is None when no answer came: ``answer`` is
    then what happened instead."""

    method: str
    path: str
    headers: dict
    body: object
    status: int | None
    answer: object

    def as_text(self):
        """Both in the form in which a developer repeats them, without secrets."""
        words = [f"> {self.method} {self.path}"]
        words += [f"> {name}: {value}" for name, value in self.headers.items()]
        if self.body is not None:
            words.append(f"> {_short(self.body)}")
        words.append(f"< {self.status or 'no answer'} {_short(self.answer)}".rstrip())
        return "\n".join(words)


@dataclass(frozen=True)
class Finding:
    """What came of one check.

    :param name: of the ability, or of a part of the contract that all apps keep
    :param why: what is missing or wrong; of one that holds, what is worth knowing
    :param cost: of an absent ability: what Pharmacy Sync does without
    :param asked: the exchanges that show it, the last ones first to look at
    """

    name: str
    title: str
    state: State
    why: str = ""
    cost: str = ""
    asked: tuple = ()

    def evidence(self):
        """The exchanges that show it, as text."""
        return "\n".join(asked.as_text() for asked in self.asked[-LAST:])


@dataclass(frozen=True)
class Report:
    """All findings of one run.

    :param name: what the names of all records that the run created begin with
    :param left: paths of what it created and could not remove
    """

    url: str
    name: str
    findings: tuple
    left: tuple = ()

    @property
    def passed(self):
        """Whether nothing is broken, and nothing was left behind."""
        broken = any(finding.state is State.BROKEN for finding in self.findings)
        return not broken and not self.left


def as_text(report, evidence_of=(State.BROKEN, State.ABSENT)):
    """The report for a terminal; the evidence is shown for findings of these states."""
    lines = [f"Contract of {report.url}; records of this run: {report.name} ...", ""]
    for finding in report.findings:
        lines.append(f"{finding.state!s:<7} {finding.name:<16} {finding.title}")
        lines += [f"{'':8}{text}" for text in (finding.why, finding.cost) if text]
        if finding.state in evidence_of and finding.asked:
            lines += [f"{'':10}{line}" for line in finding.evidence().splitlines()]
    if report.left:
        lines += ["", "Not removed: " + ", ".join(report.left)]
    counts = [
        f"{sum(f.state is state for f in report.findings)} {state}" for state in State
    ]
    return "\n".join([*lines, "", ", ".join(counts)])


def _short(value):
    if value is None:
        return ""
    value = redact(value)
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
