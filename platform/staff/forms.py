"""The login of the admin site: password and second factor, judged as everywhere else."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import services as accounts
from core.attempts import attempt
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
        address = self.request.META.get("REMOTE_ADDR", "") if self.request else ""
        name, password = fields.get("username", ""), fields.get("password", "")
        try:
            with attempt(account=name, address=address):
                user = accounts.authenticate(username=name, password=password)
                has_mfa = accounts.check_second_factor(user=user, code=fields.get("otp_token"))
                if not (has_mfa and user.is_staff):
                    raise ValidationError(REFUSED)
        except AppError as error:
            raise ValidationError(REFUSED if error.status == 401 else error.detail) from error
        user.backend = BACKEND  # type: ignore[attr-defined]
        user.otp_device = TOTPDevice.objects.filter(user=user, confirmed=True).first()  # type: ignore[attr-defined]
        self.user_cache = user
        return fields
