"""The error tree. A class is an outcome: code, status, retryable; its docstring is the title.

Codes and statuses are the table of API.md. Apps subclass in their own ``errors.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class FieldProblem:
    """What is wrong with one field of the request."""

    field: str
    code: str
    message: str


class AppError(Exception):
    """Something went wrong on our side."""

    code = "internal_error"
    status = 500
    retryable = False

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Iterable[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail or self.title())
        self.detail = detail or self.title()
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})

    @classmethod
    def title(cls) -> str:
        """The first line of the docstring."""
        return (cls.__doc__ or cls.__name__).strip().splitlines()[0].rstrip(".")


class MalformedRequest(AppError):
    """The request can't be read."""

    code, status = "malformed_request", 400


class AuthenticationRequired(AppError):
    """Say who you are."""

    code, status = "authentication_required", 401


class InvalidCredentials(AppError):
    """User name or password is wrong."""

    code, status = "invalid_credentials", 401


class TokenExpired(AppError):
    """The token has expired."""

    code, status = "token_expired", 401


class KeyInvalid(AppError):
    """The API key is not one of ours."""

    code, status = "key_invalid", 401


class KeyRevoked(AppError):
    """The API key was revoked."""

    code, status = "key_revoked", 401


class KeyExpired(AppError):
    """The API key has expired."""

    code, status = "key_expired", 401


class MfaRequired(AppError):
    """The code of the second factor is missing."""

    code, status = "mfa_required", 401


class PermissionDenied(AppError):
    """You may not do this."""

    code, status = "permission_denied", 403


class ScopeMissing(AppError):
    """The API key lacks the scope."""

    code, status = "scope_missing", 403


class CsrfFailed(AppError):
    """The CSRF token is missing or wrong."""

    code, status = "csrf_failed", 403


class EmailNotVerified(AppError):
    """Verify your e-mail address first."""

    code, status = "email_not_verified", 403


class TenantSuspended(AppError):
    """The tenant is suspended."""

    code, status = "tenant_suspended", 403


class NotFound(AppError):
    """Nothing is here."""

    code, status = "not_found", 404


class MethodNotAllowed(AppError):
    """This address does not take that method."""

    code, status = "method_not_allowed", 405


class NotAcceptable(AppError):
    """None of the types that you accept is offered here."""

    code, status = "not_acceptable", 406


class Conflict(AppError):
    """That clashes with what is there."""

    code, status = "conflict", 409


class IdempotencyInProgress(AppError):
    """The first request with this Idempotency-Key is still running."""

    code, status, retryable = "idempotency_in_progress", 409, True


class Expired(AppError):
    """It was here, and has been deleted as agreed."""

    code, status = "expired", 410


class PreconditionFailed(AppError):
    """It has changed since you read it."""

    code, status = "precondition_failed", 412


class FileTooLarge(AppError):
    """The file is larger than the plan allows."""

    code, status = "file_too_large", 413


class UnsupportedMediaType(AppError):
    """The body has a type this address does not take."""

    code, status = "unsupported_media_type", 415


class ValidationFailed(AppError):
    """Some fields are wrong."""

    code, status = "validation_error", 422


class UrlForbidden(AppError):
    """This address may not be called."""

    code, status = "url_forbidden", 422


class IdempotencyMismatch(AppError):
    """This Idempotency-Key was used with another request."""

    code, status = "idempotency_mismatch", 422


class RateLimited(AppError):
    """Too many requests."""

    code, status, retryable = "rate_limited", 429, True


class TooManyAttempts(AppError):
    """Too many failed attempts."""

    code, status, retryable = "too_many_attempts", 429, True


class ServiceUnavailable(AppError):
    """A part we depend on does not answer."""

    code, status, retryable = "service_unavailable", 503, True


def invalid(field: str, message: str, code: str = "invalid") -> ValidationFailed:
    """A ValidationFailed about one field."""
    return ValidationFailed(message, errors=(FieldProblem(field, code, message),))


def every_error() -> dict[str, type[AppError]]:
    """Code → class, over the whole tree as imported."""
    found: dict[str, type[AppError]] = {}
    todo: list[type[AppError]] = [AppError]
    while todo:
        cls = todo.pop()
        found.setdefault(cls.code, cls)
        todo += cls.__subclasses__()
    return found
