"""Verbs of the tenants: one module for each."""

from tenants.services.change_tenant import change_tenant
from tenants.services.close_tenant import (
    delete_tenant,
    purge_deleted,
    restore_tenant,
    resume_tenant,
    suspend_tenant,
)
from tenants.services.count_usage import forget_old_usage, usage_of, write_usage
from tenants.services.create_tenant import create_tenant
from tenants.services.hold_people import give_first_tenant
from tenants.services.invite import (
    accept_invitation,
    invite,
    invited_address,
    revoke_invitation,
    send_invitation,
)
from tenants.services.keep_keys import (
    KeyWish,
    change_api_key,
    create_api_key,
    revoke_api_key,
    rotate_api_key,
)
from tenants.services.keep_members import (
    change_member_role,
    leave_tenant,
    remove_member,
    transfer_ownership,
)
from tenants.services.keep_roles import change_role, create_role, delete_role
from tenants.services.register import register
from tenants.services.report_leak import Leak, report_leaks, send_leak_notice
from tenants.services.set_limits import set_limits

__all__ = [
    "KeyWish",
    "Leak",
    "accept_invitation",
    "change_api_key",
    "change_member_role",
    "change_role",
    "change_tenant",
    "create_api_key",
    "create_role",
    "create_tenant",
    "delete_role",
    "delete_tenant",
    "forget_old_usage",
    "give_first_tenant",
    "invite",
    "invited_address",
    "leave_tenant",
    "purge_deleted",
    "register",
    "remove_member",
    "report_leaks",
    "restore_tenant",
    "resume_tenant",
    "revoke_api_key",
    "revoke_invitation",
    "rotate_api_key",
    "send_invitation",
    "send_leak_notice",
    "set_limits",
    "suspend_tenant",
    "transfer_ownership",
    "usage_of",
    "write_usage",
]
