"""`python -m loadtests.customers COUNT OUT`: tenants with a key each, made by the product's verbs.

Runs with a stack's settings, as one of its commands. OUT gets [{slug, schema, api_key, seconds}];
``seconds`` is what creating the tenant took. The key is named by the slug and may do everything.
"""

from __future__ import annotations

import json
import secrets
import sys
import time
from pathlib import Path
from typing import Any

import django

PLAN = "enterprise"  # no limit of ours shall stand in the way of the load


def main() -> None:
    """Make them, tell them."""
    django.setup()
    from core.tenancy import in_public  # noqa: PLC0415 - Django is ready only now

    count, out = int(sys.argv[1]), Path(sys.argv[2])
    with in_public():
        made = [customer(f"load-{secrets.token_hex(3)}-{n}") for n in range(count)]
    out.write_text(json.dumps(made))


def customer(slug: str) -> dict[str, Any]:
    """One tenant with its owner and a live key."""
    from accounts.services import put_verified_user  # noqa: PLC0415
    from billing.services import change_plan  # noqa: PLC0415
    from core.access import PERMISSIONS  # noqa: PLC0415
    from core.tenancy import in_tenant  # noqa: PLC0415
    from tenants.services import KeyWish, create_api_key, create_tenant  # noqa: PLC0415

    owner = put_verified_user(
        username=f"{slug}-owner",
        email=f"{slug}@example.com",
        password=secrets.token_urlsafe(15),
        is_staff=False,
    )
    begun = time.perf_counter()
    row = create_tenant(name=slug, owner_id=owner, slug=slug)
    seconds = time.perf_counter() - begun
    change_plan(tenant_id=row.id, plan_code=PLAN)
    with in_tenant(row.schema_name):
        wish = KeyWish(name=slug, is_test=False, scopes=sorted(PERMISSIONS))
        _, key = create_api_key(
            tenant_id=row.id, user_id=owner, held=frozenset(PERMISSIONS), wish=wish
        )
    return {"slug": slug, "schema": row.schema_name, "api_key": key, "seconds": seconds}


if __name__ == "__main__":
    main()
