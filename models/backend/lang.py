from odoo import models
from odoo.exceptions import UserError

# Names that a refusal lists.
NAMED = 3


class SyncBackend(models.Model):
    """The language in which what Odoo can translate travels.

    A change of the language must not look like a change of every record: the
    pharmacy's names would be overwritten.
    """

    _inherit = "sync.backend"

    def _check_lang(self, lang):
        """See that no linked record has another text in ``lang``.

        :raises UserError: some have; it names a few
        """
        for stream in self.sudo().with_context(active_test=False).stream_ids:
            differing = stream._differing_in(lang)
            if differing:
                raise UserError(
                    self.env._(
                        "The language cannot be changed. Linked records have another "
                        "text in it, which would seem to have been changed in Odoo "
                        "and be sent to the pharmacy. Give them the same text in both "
                        "languages first. They are %(count)s, among them: %(names)s",
                        count=len(differing),
                        names=", ".join(differing[:NAMED].mapped("display_name")),
                    )
                )


class SyncStream(models.Model):
    _inherit = "sync.stream"

    def _differing_in(self, lang):
        """The linked records whose travelling texts are others in ``lang``."""
        self.ensure_one()
        Model = self.env[self.res_model]
        names = {converter.field for converter in self._adapter()._known_converters()}
        translated = [
            name
            for name in names & Model._fields.keys()
            if Model._fields[name].translate
        ]
        if not translated:
            return Model
        mappings = self.env["sync.mapping"].search_fetch(
            [
                ("stream_id", "=", self.id),
                ("external_id", "!=", False),
                ("deleted", "=", False),
            ],
            ["res_id"],
        )
        records = Model.browse(filter(None, mappings.mapped("res_id"))).exists()
        now = records.with_context(lang=self.backend_id.lang)
        then = records.with_context(lang=lang)
        return records.browse(
            ours.id
            for ours, theirs in zip(now, then, strict=True)
            if any(ours[name] != theirs[name] for name in translated)
        )


class ResLang(models.Model):
    _inherit = "res.lang"

    def write(self, vals):
        if vals.get("active") is False:
            self._check_no_backend()
        return super().write(vals)

    def _check_no_backend(self):
        """:raises UserError: names travel in one of these languages"""
        backend = (
            self.env["sync.backend"]
            .sudo()
            .with_context(active_test=False)
            .search([("lang", "in", self.mapped("code"))], limit=1)
        )
        if backend:
            raise UserError(
                self.env._(
                    "Names travel in this language between Odoo and %s.", backend.name
                )
            )
