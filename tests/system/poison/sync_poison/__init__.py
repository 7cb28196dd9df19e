"""Loaded by a server (``--load``): its process ends, as if it had been killed, as soon
as it looks at one record, by the name in ``PHARMACY_SYNC_POISON``."""

import os

from odoo.addons.pharmacy_sync.entities.sync_entity import SyncEntity

POISON = os.environ["PHARMACY_SYNC_POISON"]
KILLED = 137
_serialise, _canonical = SyncEntity._serialise, SyncEntity._canonical


def _serialise_or_die(self, records, directory):
    if POISON in records.mapped("display_name"):
        os._exit(KILLED)
    return _serialise(self, records, directory)


def _canonical_or_die(self, data, directory, partial=False):
    if data.get("name") == POISON:
        os._exit(KILLED)
    return _canonical(self, data, directory, partial)


SyncEntity._serialise = _serialise_or_die
SyncEntity._canonical = _canonical_or_die
