"""Verbs of the staff."""

from staff.services.keep_customers import change_plan, set_user_active
from staff.services.rerun_letters import rerun_letter
from staff.services.send_mails import Audience, order_mailing, send_mailing

__all__ = [
    "Audience",
    "change_plan",
    "order_mailing",
    "rerun_letter",
    "send_mailing",
    "set_user_active",
]
