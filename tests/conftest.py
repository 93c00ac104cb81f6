"""Two tenants on a real PostgreSQL and Redis, for the tests that need the product.

Lazy: a run of tests/sandbox, inspection, localstack, conversions (engines) or e2e loads no Django
and starts no service of ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import product as testing
from tests.client import Api, somewhere
from tests.factories.tenants import Tenant, make_tenant

TESTS = Path(__file__).parent
NEED_THE_PRODUCT = (
    "accounts",
    "audit",
    "billing",
    "core",
    "dispatch",
    "jobs",
    "staff",
    "tenants",
    "webhooks",
)
NEED_DJANGO = (*NEED_THE_PRODUCT, "house")


def room_of(path: Path) -> str:
    """The folder below tests/ that a test file lies in."""
    return path.relative_to(TESTS).parts[0] if path.is_relative_to(TESTS) else ""


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Load Django before the first module that imports it is collected."""
    if isinstance(collector, pytest.Module) and room_of(collector.path) in NEED_DJANGO:
        testing.prepare()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The quick ones run first, real processes last."""
    items.sort(key=lambda item: room_of(item.path) == "e2e")


def pytest_unconfigure() -> None:
    """Leave nothing in /tmp."""
    testing.forget()


@pytest.fixture(scope="session")
def running_product() -> Iterator[testing.Product]:
    """PostgreSQL, Redis, migrations: once, and only if somebody asks."""
    product = testing.prepare()
    with testing.run(product):
        yield product


@pytest.fixture
def product(running_product: testing.Product) -> Iterator[testing.Product]:
    """The running product; the connection is back in public afterwards."""
    from django.db import connection

    connection.set_schema_to_public()  # type: ignore[attr-defined]
    yield running_product
    connection.set_schema_to_public()  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def product_where_needed(request: pytest.FixtureRequest) -> None:
    """Whoever works with the product gets it."""
    if room_of(request.path) in NEED_THE_PRODUCT:
        request.getfixturevalue("product")


@pytest.fixture(scope="session")
def acme(running_product: testing.Product) -> Tenant:
    """A tenant on Professional."""
    return make_tenant(slug="acme", plan="professional")


@pytest.fixture(scope="session")
def globex(running_product: testing.Product) -> Tenant:
    """Another tenant, on Basic."""
    return make_tenant(slug="globex", plan="basic")


@pytest.fixture
def visitor() -> Api:
    """Somebody without credentials, from an address of their own."""
    return Api(address=somewhere())
