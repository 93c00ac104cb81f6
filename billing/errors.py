"""Outcomes of asking for more than the plan gives."""

from core.errors import AppError


class QuotaExceeded(AppError):
    """Monthly quota used up."""

    code, status = "quota_exceeded", 402


class FeatureNotInPlan(AppError):
    """The plan does not include this."""

    code, status = "feature_not_in_plan", 402


class StorageFull(AppError):
    """The plan's storage is used up."""

    code, status = "storage_full", 402


class PaymentFailed(AppError):
    """The payment did not go through."""

    code, status = "payment_failed", 402
