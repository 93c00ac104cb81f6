"""What can go wrong with a ticket."""


class LeaseLost(Exception):
    """The lease ran out and somebody else may hold the ticket: stop, and write nothing."""
