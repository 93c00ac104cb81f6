"""What can go wrong with a ticket."""

from core.errors import AppError


class LeaseLost(Exception):
    """The lease ran out and somebody else may hold the ticket: stop, and write nothing."""


class QueueFull(AppError):
    """Too many jobs wait already."""

    code, status, retryable = "queue_full", 503, True
