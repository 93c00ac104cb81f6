"""`python -m loadtests.million [--rows 1000000]`: reads of jobs beside a million of them.

On a database of its own: one tenant gets so many rows by SQL, another one a thousand; then each
read is asked of both in turn, through the whole application in this process, and the medians are
compared. Ends by itself, leaves nothing.
The last line is ``over=0`` when every read of the large tenant took at most 1.2 times the other's.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests import product

if TYPE_CHECKING:
    from tests.factories.tenants import Tenant

SMALL, LARGE = 1_000, 1_000_000
GOAL = 1.2
ROUNDS = 30
DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
# A sortable id of a moment, as core.ids makes it: ten digits of milliseconds, sixteen of chance.
MILLISECONDS = " || ".join(
    f"substr('{DIGITS}', ((ms >> {shift}) & 31)::int + 1, 1)" for shift in range(45, -1, -5)
)
INSERT = """
INSERT INTO SCHEMA.conversions_job
  (id, kind, name, status, progress, stage, input_filename, input_format, input_media_type,
   input_size, input_sha256, input_key, inputs, extra_bytes, output_format, outputs, output_bytes,
   options, password_sealed, route, warnings, units, is_test, attempts, round, batch_id, position,
   api_key_id, metadata, request_id, retention_hours, delete_after_download, report,
   created_at, started_at, finished_at, expires_at)
SELECT 'job_' || MILLISECONDS || substr(md5(n::text), 1, 16), 'convert', 'row ' || n,
  CASE WHEN n % 50 = 0 THEN 'failed' WHEN n % 20 = 1 THEN 'completed' ELSE 'expired' END, 100,
  'done', 'report-' || n || '-' || substr(md5(n::text), 1, 6) || '.docx', 'docx',
  'application/octet-stream', 10000, md5(n::text) || md5(n::text), 'k', '[]', 0,
  CASE WHEN n % 500 = 0 THEN 'epub' WHEN n % 2 = 0 THEN 'pdf' ELSE 'webp' END,
  '[{"key": "k", "filename": "r.pdf", "media_type": "application/pdf", "size": 2, "sha256": "s"}]',
  20000, '{}', '', '[{"engine": "libreoffice", "version": "7", "from": "docx", "to": "pdf"}]',
  '[]', 1, n % 1000 = 7, 1, 1, CASE WHEN n % 10 = 0 THEN 'bat_' || (n / 1000) END, n % 1000,
  'key_' || (n % 20), '{}', '', 24, false,
  '{"verdict": "verified", "checks": [{"name": "type", "ok": true}]}',
  at, at, at + interval '2 seconds', at + interval '1 day'
FROM (SELECT n, at, (extract(epoch FROM at) * 1000)::bigint AS ms
      FROM (SELECT n, now() - interval '180 days' * (1 - n::float / ROWS) AS at
            FROM generate_series(1, ROWS) n) made) dated
""".replace("MILLISECONDS", MILLISECONDS)
NAMES = "conversions_job_names"


def rows_of(sql: str) -> list[Any]:
    """Rows of SQL of ours."""
    from django.db import connection  # noqa: PLC0415 - Django is ready only now

    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def fill(schema: str, rows: int) -> float:
    """So many jobs in a schema; the index of names is made anew behind them. Seconds."""
    begun = time.monotonic()
    where = f"schemaname = '{schema}' AND indexname = '{NAMES}'"
    ((definition,),) = rows_of(f"SELECT indexdef FROM pg_indexes WHERE {where}")  # noqa: S608 - ours
    rows_of(f"DROP INDEX {schema}.{NAMES}")
    rows_of(INSERT.replace("SCHEMA", schema).replace("ROWS", str(rows)))
    rows_of(definition)
    rows_of(f"VACUUM ANALYZE {schema}.conversions_job")
    return time.monotonic() - begun


def ask(tenant: Tenant, path: str) -> Any:
    """JSON of a 200."""
    reply = tenant.api.get(path)
    if reply.status != 200:
        raise RuntimeError(f"{path}: {reply.status} {reply.body[:300]!r}")
    return reply.json


def reads(tenant: Tenant) -> dict[str, str]:
    """What is asked, by name."""
    first = ask(tenant, "conversions/jobs/?limit=50")  # the default, which no other read names
    middle = datetime.now(UTC) - timedelta(days=90)
    day = {"created_after": middle, "created_before": middle + timedelta(days=1)}
    some = first["items"][25]["input"]["filename"].removesuffix(".docx")[-6:]
    asked = {
        "newest 50": {},
        "the next 50": {"cursor": first["next"]},
        "oldest 50": {"sort": "created_at"},
        "status, 2 in a hundred": {"status": "failed"},
        "status that none has": {"status": "processing"},
        "output_format of every other": {"output_format": "pdf"},
        "output_format, 2 in a thousand": {"output_format": "epub"},
        "output_format that none has": {"output_format": "mobi"},
        "status and output_format": {"status": "failed", "output_format": "epub"},
        "batch_id": {"batch_id": "bat_0"},
        "api_key_id": {"api_key_id": "key_3"},
        "one day of long ago": {name: at.isoformat() for name, at in day.items()},
        "q that all have": {"q": "report"},
        "q that one has": {"q": some},
        "q that none has": {"q": "zzqqxx"},
        "q that none has, one status": {"q": "zzqqxx", "status": "failed"},
    }
    paths = {name: "conversions/jobs/?" + urlencode(query) for name, query in asked.items()}
    return paths | {
        "one job": f"conversions/jobs/{first['items'][30]['id']}/",
        "quota": "conversions/quota/",
        "analytics by day": "conversions/analytics/?group_by=day",
    }


def equal_pages(
    small: Tenant, of_small: str, large: Tenant, of_large: str
) -> tuple[tuple[Tenant, str], tuple[Tenant, str]]:
    """Both reads; of lists as many items as both have, so that what is compared is the finding."""
    if "/jobs/?" in of_small:
        found = (len(ask(small, of_small)["items"]), len(ask(large, of_large)["items"]))
        limit = f"&limit={max(min(found), 1)}"
        return (small, of_small + limit), (large, of_large + limit)
    return (small, of_small), (large, of_large)


def compare(small: Tenant, large: Tenant) -> dict[str, tuple[float, float, int, int]]:
    """Median ms of both for each read, asked in turn, and how many items there were."""
    found = {}
    paths = list(zip(reads(small).items(), reads(large).values(), strict=True))
    for (name, of_small), of_large in paths:
        both = equal_pages(small, of_small, large, of_large)
        taken: tuple[list[float], list[float]] = ([], [])
        items = [0, 0]
        for number in range(ROUNDS + 5):
            for which, (tenant, path) in enumerate(both):
                begun = time.perf_counter()
                body = ask(tenant, path)
                if number >= 5:
                    taken[which].append((time.perf_counter() - begun) * 1000)
                items[which] = len(body.get("items", [body]))
        few, many = (statistics.median(times) for times in taken)
        found[name] = (few, many, items[0], items[1])
    return found


def measure(rows: int) -> dict[str, tuple[float, float, int, int]]:
    """Two tenants, filled and asked."""
    from tests.factories.tenants import make_tenant  # noqa: PLC0415 - Django is ready only now

    small, large = make_tenant(), make_tenant()
    rows_of("UPDATE tenants_tenant SET requests_per_hour = NULL")
    for tenant, count in ((large, rows), (small, SMALL)):
        print(f"{count} jobs written in {fill(tenant.schema, count):.0f} s", flush=True)
    return compare(small, large)


def main() -> int:
    """0 when no read is over the goal."""
    wanted = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    wanted.add_argument("--rows", type=int, default=LARGE)
    rows = wanted.parse_args().rows
    try:
        with product.run(product.prepare()):
            found = measure(rows)
    finally:
        product.forget()
    over = 0
    print(f"\nMedian ms of {ROUNDS} reads, {SMALL} jobs and {rows} jobs in a tenant; items found")
    for name, (few, many, *items) in found.items():
        over += many > GOAL * few
        print(f"  {name:34} {few:8.2f} {many:8.2f} {many / few:6.2f} × {items}")
    print(f"over={over}")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
