"""Verbs of the tenants: one module for each."""

from tenants.services.create_tenant import create_tenant
from tenants.services.hold_people import give_first_tenant
from tenants.services.keep_keys import create_api_key, revoke_api_key
from tenants.services.register import register
from tenants.services.set_limits import set_limits

__all__ = [
    "create_api_key",
    "create_tenant",
    "give_first_tenant",
    "register",
    "revoke_api_key",
    "set_limits",
]
