"""PostgreSQL's advisory locks of this addon, each with numbers that no other has.

With two keys the first names what the lock is for, the second which one of these."""

# The second key is a backend's id: deliveries of its events take turns.
DELIVERY = 7_260_000
# The second key is a backend's id: records that a worker may die of are worked on one
# at a time, so that a death speaks of one.
SUSPECTS = 7_265_000
# The second key is a backend's id: workers take turns to see what others left in hand.
STOCK = 7_267_000
# The second key is a backend's id: one worker asks for its token, for all of them.
TOKENS = 7_266_000
# One key: looks at what may raise an alert take turns.
ALERTS = 7_270_000
# One key: to this a number is added, up to which changes had been stamped when a writer
# of changes began; it holds the lock until it commits.
FEED = 0x5053 << 48
# To this a pool's id is added; the second key is the number of a slot or a place.
POOLS = 0x50530000
# To this a backend's id is added; the second key is a place in a channel of the job
# runner.
PLACES = 0x60530000
# The second key is the hash of a record's name: one caller asks the app for it. As far
# from the pools as these can grow.
LOOKUPS = 0x58530000
