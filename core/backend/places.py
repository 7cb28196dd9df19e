"""How many places of the job runner one backend may have at once."""

ROOT = "root"


def shares(channel: str, capacities: dict[str, int]) -> list[tuple[str, int]]:
    """What a job must have one of: a place in its channel and in each one above it.

    Of each channel all places but one may be those of one backend, so that a slow
    pharmacy never has the last of them; the only place that there is it may have.

    :param channel: full name of the job's, ``root.pharmacy_sync.order_sync``
    :param capacities: ``{full name of a channel: how many jobs at once}``; a channel
        that is not there shares the number of the one above it
    :return: ``[(full name, places)]``, from the root down
    """
    parts = channel.split(".")
    names = (".".join(parts[:end]) for end in range(1, len(parts) + 1))
    found = ((name, capacities.get(name, 0)) for name in names)
    return [(name, max(capacity - 1, 1)) for name, capacity in found if capacity]


def full_name(name: str) -> str:
    """A channel's full name: in the job runner's configuration ``root`` may be left
    out."""
    return name if name.split(".")[0] == ROOT else f"{ROOT}.{name}"
