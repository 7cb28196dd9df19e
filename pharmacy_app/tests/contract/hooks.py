"""A check of the contract run: data that the document allows is never invalid."""

import schemathesis
from schemathesis import GenerationMode

_ALLOWED = {
    "business_rule",
    "idempotency_key_reused",
    "not_found",
    "unknown_reference",
}


@schemathesis.check
def documented_data_is_valid(ctx, response, case):
    """A 422 for what conforms to the document is about other records, not the data."""
    mode = case.meta.generation.mode if case.meta else None
    if response.status_code == 422 and mode == GenerationMode.POSITIVE:
        code = response.json()["error"]["code"]
        assert code in _ALLOWED, f"conforming data was refused: {response.text}"
