"""Given to ``odoo shell``: export the addon's texts and merge its translations.

What is translated already is kept, what is new is empty, what is gone goes.
"""

import io
from pathlib import Path

import polib

from odoo.modules import get_module_path
from odoo.tools.translate import trans_export

ADDON = "pharmacy_sync"
# They change with every export and say nothing.
UNSTEADY = ("POT-Creation-Date", "PO-Revision-Date")

folder = Path(get_module_path(ADDON)).resolve() / "i18n"
folder.mkdir(exist_ok=True)
exported = io.BytesIO()
trans_export(None, [ADDON], exported, "po", env)  # noqa: F821
template = polib.pofile(exported.getvalue().decode(), wrapwidth=78)
for name in UNSTEADY:
    template.metadata.pop(name, None)
template.save(folder / f"{ADDON}.pot")
counts = []
for path in sorted(folder.glob("*.po")):
    catalogue = polib.pofile(path, wrapwidth=78)
    catalogue.merge(template)
    for entry in catalogue.obsolete_entries():
        catalogue.remove(entry)
    catalogue.save(path)
    counts.append(f"{path.name}: {len(catalogue.untranslated_entries())} to translate")
print("catalogues:", f"{len(template)} texts;", "; ".join(counts))
