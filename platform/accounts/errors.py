"""Outcomes of the account verbs."""

from core.errors import AppError, Conflict, InvalidCredentials


class RefreshReused(AppError):
    """This refresh token was used before, so its whole session was ended."""

    code, status = "token_expired", 401


class StillNeeded(Conflict):
    """Others depend on this account."""


class ProviderRefused(InvalidCredentials):
    """The sign-in provider's answer does not hold."""
