"""The numbers of a whole batch of new orders, drawn from Odoo's sequence at once."""

from collections import deque

from odoo import api, models
from odoo.tools import SQL

KEY = "sync_order_numbers"
CODE = "purchase.order"


class OrderNumbers:
    """The numbers of a batch of orders.

    Odoo looks for the sequence, and asks it for its next number, once an order. Here
    that is done for the first order; the others take what was drawn with it. What of
    it is not taken is lost, as a sequence of this kind loses those of what failed.

    :param size: how many numbers the batch takes
    :ivar drawn: ``{company id: (sequence, numbers)}``
    :ivar asking: id of the company for whose orders Odoo's sequence is asked just now
    """

    def __init__(self, size):
        self.size = size
        self.drawn = {}
        self.asking = None

    def take(self, company_id):
        """The next number that was drawn, as text; None: none is left."""
        sequence, numbers = self.drawn.get(company_id, (None, None))
        return sequence.get_next_char(numbers.popleft()) if numbers else None


class IrSequence(models.Model):
    _inherit = "ir.sequence"

    @api.model
    def next_by_code(self, sequence_code, sequence_date=None):
        numbers = self._order_numbers()
        if not numbers or sequence_code != CODE:
            return super().next_by_code(sequence_code, sequence_date)
        numbers.asking = self.env.company.id
        try:
            drawn = numbers.take(numbers.asking)
            return drawn or super().next_by_code(sequence_code, sequence_date)
        finally:
            numbers.asking = None

    def _next_do(self):
        numbers = self._order_numbers()
        asked = numbers and numbers.asking
        if not asked or self.implementation != "standard" or not self._is_odoos():
            return super()._next_do()
        name = f"ir_sequence_{self.id:03d}"
        rows = self.env.execute_query(
            SQL("SELECT nextval(%s) FROM generate_series(1, %s)", name, numbers.size)
        )
        numbers.drawn[asked] = self, deque(number for (number,) in rows)
        return numbers.take(asked)

    @api.model
    def _order_numbers(self):
        """The batch's numbers; a caller's context may have anything by that name."""
        numbers = self.env.context.get(KEY)
        return numbers if isinstance(numbers, OrderNumbers) else None

    @api.model
    def _is_odoos(self):
        """Whether no other addon has a say in which number is the next."""
        classes = type(self).__mro__
        return all(
            sum(method in vars(cls) for cls in classes) == most
            for method, most in (("next_by_code", 2), ("_next", 1), ("_next_do", 2))
        )
