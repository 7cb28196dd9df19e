"""How much one request of the public API may ask for, and how long its texts may be."""

MAX_RECORDS = 500
MAX_LOOKUPS = 50
MAX_PAGE = 500
# Bytes of a request's body.
MAX_BODY = 8 * 1024 * 1024
LONGEST_KEY = 200
LONGEST_ENTITY = 100
LONGEST_CURSOR = 200
LONGEST_REASON = 1_000
