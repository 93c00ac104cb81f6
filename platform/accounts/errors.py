"""Outcomes of logging in."""

from core.errors import AppError


class RefreshReused(AppError):
    """This refresh token was used before, so its whole session was ended."""

    code, status = "token_expired", 401
