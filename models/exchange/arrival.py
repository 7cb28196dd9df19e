from dataclasses import dataclass, field

from odoo import models

from ...core.exchange.arriving import Move, received
from ...core.exchange.mapping_state import MappingState


@dataclass
class Arrival:
    """A record of the pharmacy app that arrived, and what became of it.

    ``outcome``: created, updated, unchanged, conflict, deleted or failed.
    """

    record: dict
    external_id: str | None = None
    version: int = 0
    data: dict = field(default_factory=dict)
    # Its values that were not agreed on, once it was looked at.
    rest: dict | None = None
    mapping: models.BaseModel | None = None
    # The mapping's, but of one that was linked a moment ago.
    state: MappingState | None = None
    outcome: str | None = None
    res_id: int | None = None
    error: Exception | None = None
    warnings: list = field(default_factory=list)
    # Whether its version is below the one that was known.
    low: bool = False

    @property
    def deleted(self):
        """Whether the pharmacy says that the record is deleted."""
        return bool(self.record.get("deleted"))

    def received(self):
        """What the record is for Odoo: :class:`...core.exchange.arriving.Received`."""
        mapping, state = self.mapping, self.state
        in_conflict = bool(mapping) and (
            mapping.state == "conflict" or bool(state.conflict_paths)
        )
        return received(
            state,
            self.version,
            self.data,
            deleted=self.deleted,
            in_conflict=in_conflict,
        )

    def keep(self, found):
        """Write down what it is.

        :param found: what :meth:`received` returned
        :return: its :class:`...core.exchange.arriving.Move`
        """
        mapping, state = self.mapping, self.state
        self.data = found.data
        if mapping:
            self.low = not state.deleted and state.is_low(self.version)
            mapping._move(state, found.state)
            self.state = found.state
        if found.revived and not mapping._record():
            # Whatever was agreed on, Odoo has nothing of it any more.
            mapping._detach()
            self.state = None
            return Move.MERGE
        return found.move

    def set_unchanged(self):
        """It says nothing that was not agreed on."""
        self.outcome, self.res_id = "unchanged", self.mapping.res_id
