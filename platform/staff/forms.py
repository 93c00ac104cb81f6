"""The login of the admin site: password and second factor, judged as everywhere else."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django_otp.models import Device

from accounts import services as accounts
from accounts.terms import Origin
from core.errors import AppError

BACKEND = "django.contrib.auth.backends.ModelBackend"
REFUSED = "These are not the credentials of a member of staff with a second factor."


class StaffLogin(AdminAuthenticationForm):
    """User name, password, and the code of the authenticator app (or a recovery code)."""

    otp_token = forms.CharField(
        label="Code",
        required=False,
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code"}),
    )

    def clean(self) -> dict[str, Any]:
        """The same checks, counters and words as the API's login; no reason is told."""
        fields = self.cleaned_data
        try:
            proof = accounts.log_in(
                username=fields.get("username", ""),
                password=fields.get("password", ""),
                otp=fields.get("otp_token"),
                origin=Origin.of(self.request.META if self.request else {}),
            )
        except AppError as error:
            raise ValidationError(REFUSED if error.status == 401 else error.detail) from error
        user: Any = proof.user
        if not (proof.has_mfa and user.is_staff):
            raise ValidationError(REFUSED)
        user.backend = BACKEND
        user.otp_device = Device.from_persistent_id(accounts.device_id(user_id=user.id) or "")
        self.user_cache = user
        return fields
