from importlib.util import find_spec
from pathlib import Path

from odoo.tests import tagged

from .test_rights_tour import MessCase

PACKAGE = "axe_playwright_python"


@tagged("post_install", "-at_install")
class TestAxeTour(MessCase):
    """Who reads with a magnifier, a screen reader or the keyboard meets no obstacle of
    this addon's own: axe-core finds none on its pages."""

    def test_pages_violate_no_rule(self):
        (folder,) = find_spec(PACKAGE).submodule_search_locations
        self.env["ir.attachment"].create(
            {
                "name": "axe-core",
                "type": "binary",
                "url": "/pharmacy_sync_axe.js",
                "mimetype": "application/javascript",
                "raw": (Path(folder) / "axe.min.js").read_bytes(),
                "public": True,
            }
        )
        self.make_dead()
        self.make_conflict("TOUR-CONFLICT")
        self.tour("axe", "manager", timeout=300)
