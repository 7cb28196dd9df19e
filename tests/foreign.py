"""Somebody else's product is connected on the pages of the backend and its streams."""

import os
from pathlib import Path
from unittest import SkipTest

from odoo.tests import Form

from .common import WorkCase


def document(name):
    """Path of a product's document.

    :raises SkipTest: they are not there
    """
    folder = os.environ.get("PHARMACY_SYNC_DOCUMENTS")
    if not folder:
        raise SkipTest("PHARMACY_SYNC_DOCUMENTS names no folder")
    return str(Path(folder, name))


class ForeignCase(WorkCase):
    """``product`` serves; what a person enters is by the names of the pages' fields."""

    product = None

    @classmethod
    def connect(cls, product, everywhere, pages, **of_backend):
        """Enter what the pages of the streams say of it.

        :param everywhere: of all streams
        :param pages: by entity; ``names``: field, path, kind, values, of each;
            ``directions``: of fields
        """
        cls.product = product
        with Form(cls.backend) as page:
            page.url = product.url
            page.api_path = product.base
            for name, value in of_backend.items():
                setattr(page, name, value)
        for stream in cls.backend.stream_ids:
            said = {**everywhere, **pages[stream.entity]}
            with Form(stream) as page:
                names, directions = said.pop("names"), said.pop("directions", {})
                for name, value in said.items():
                    setattr(page, name, value)
                for field, direction in directions.items():
                    with page.field_direction_ids.new() as line:
                        line.picked = field
                        line.direction = direction
                for field, path, *more in names:
                    kind, values = (*more, *("same", False)[len(more) :])
                    with page.field_name_ids.new() as line:
                        line.picked = field
                        line.path = path
                        line.kind = kind
                        line.values = values

    def tearDown(self):
        self.assertFalse(self.product.broken, "it answers as its document says")
        super().tearDown()

    def check_in_step(self):
        ended = ("done", "cancelled")
        left = self.env["sync.operation"].search([("state", "not in", ended)])
        # Some were made in Odoo before it was said that they come from the app.
        left = left.filtered("stream_id.pushes")
        self.assertFalse(left, left.mapped("reason"))
        self.assertFalse(self.env["sync.conflict"].search([("state", "=", "open")]))
        errors = self.env["sync.error"].search([])
        self.assertFalse(errors, errors.mapped("message"))

    def writes(self, since=0):
        """What the app was asked to write, without bodies."""
        return [(m, path) for m, path, __ in self.product.asked[since:] if m != "GET"]
