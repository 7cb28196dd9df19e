from dataclasses import dataclass, field

from odoo import models

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
    mapping: models.BaseModel | None = None
    # The mapping's, but of one that was linked a moment ago.
    state: MappingState | None = None
    outcome: str | None = None
    res_id: int | None = None
    error: Exception | None = None
    warnings: list = field(default_factory=list)
    # Whether its version is below the one that was known.
    low: bool = False
