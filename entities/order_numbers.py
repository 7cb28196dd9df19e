"""The numbers of a whole batch of new orders, drawn from Odoo's sequence at once."""

from collections import deque

from odoo import api, models
from odoo.tools import SQL

KEY = "sync_order_numbers"


class OrderNumbers:
    """Which sequence numbers the orders of a batch, and the numbers drawn of it.

    Odoo looks for the sequence, and asks it for its next number, once an order. Here
    that is done for the first order; the others take what was drawn with it. What of
    it is not taken is lost, as a sequence of this kind loses those of what failed.

    :param size: how many numbers the batch takes
    :ivar drawn: ``{(code, company id): (sequence, numbers)}``
    """

    def __init__(self, size):
        self.size = size
        self.drawn = {}

    def take(self, key):
        """The next number that was drawn for ``key``, as text; None: none is left."""
        sequence, numbers = self.drawn.get(key, (None, None))
        return sequence.get_next_char(numbers.popleft()) if numbers else None


class IrSequence(models.Model):
    _inherit = "ir.sequence"

    @api.model
    def next_by_code(self, sequence_code, sequence_date=None):
        numbers = self.env.context.get(KEY)
        if numbers and sequence_code == "purchase.order":
            asked_for = (sequence_code, self.env.company.id)
            if number := numbers.take(asked_for):
                return number
            self = self.with_context(sync_asked_for=asked_for)
        return super().next_by_code(sequence_code, sequence_date)

    def _next_do(self):
        asked_for = self.env.context.get("sync_asked_for")
        if not asked_for or self.implementation != "standard" or not self._is_odoos():
            return super()._next_do()
        numbers = self.env.context[KEY]
        name = f"ir_sequence_{self.id:03d}"
        rows = self.env.execute_query(
            SQL("SELECT nextval(%s) FROM generate_series(1, %s)", name, numbers.size)
        )
        numbers.drawn[asked_for] = self, deque(number for (number,) in rows)
        return numbers.take(asked_for)

    @api.model
    def _is_odoos(self):
        """Whether no other addon has a say in which number is the next."""
        classes = type(self).__mro__
        return all(
            sum(method in vars(cls) for cls in classes) == most
            for method, most in (("next_by_code", 2), ("_next", 1), ("_next_do", 2))
        )
