"""`python -m loadtests.history`: was anything lost, was anything done twice?

Reads the rows of every tenant and the stored files of a stack (of `make serve` by default), holds
them against each other, prints each violation with its ids, and ends with ``lost=N doubled=N``.

Lost: an accepted job that is not there, has not ended, has no result, no charge, no event, nobody
told. Doubled: a second charge, event or result, work that would run again, a file without a row.
What holds at any moment is checked on a busy stack too; ``--settled`` (all scripts of this folder)
asks also that everything has ended and was told.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from loadtests.history_rows import (
    BATCHES,
    DELIVERIES,
    EVENTS,
    JOBS,
    METERS,
    NOTIFICATIONS,
    PIPELINES,
    RESERVATIONS,
    SCHEMAS,
    TICKETS,
)
from localstack.postgres import DATABASE, Postgres
from localstack.serve import ROOT

Row = dict[str, Any]
ENDED = frozenset({"completed", "failed", "canceled", "expired"})
GROUP_ENDED = frozenset({"completed", "failed", "canceled"})
OPEN = frozenset({"waiting", "sent", "running"})
RUN_JOB, ATTEMPT = "conversions.run_job", "webhooks.attempt"
HAS_FILES = frozenset({"completed"})
LAST = {"completed": "job.completed", "failed": "job.failed", "canceled": "job.canceled"}
URL_TYPES = frozenset({*LAST.values(), "batch.completed", "pipeline.completed", "pipeline.failed"})


@dataclass
class Findings:
    """Violations in words, and how much was looked at."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    @property
    def is_clean(self) -> bool:
        """Nothing lost, nothing twice."""
        return not (self.lost or self.doubled)

    def told(self) -> str:
        """Every violation, what was seen, and the last line."""
        figures = ", ".join(f"{count} {name}" for name, count in sorted(self.seen.items()))
        lines = [f"lost: {text}" for text in self.lost]
        lines += [f"doubled: {text}" for text in self.doubled]
        return "\n".join(
            [*lines, f"looked at {figures}", f"lost={len(self.lost)} doubled={len(self.doubled)}"]
        )


@dataclass(frozen=True)
class Books:
    """What the platform keeps for all tenants, by schema."""

    tickets: Mapping[str, list[Row]]
    events: Mapping[str, list[Row]]
    reservations: Mapping[str, Row]  # by ref


def check(
    dsn: str,
    storage: Path,
    *,
    settled: bool,
    strays: bool = True,
    accepted: Mapping[str, Iterable[str]] | None = None,
) -> Findings:
    """Everything, in one snapshot. ``accepted``: schema → ids that a customer was given.

    ``strays``: files that no row names are a violation, once the product has tidied up.
    """
    found = Findings()
    with psycopg.connect(dsn, row_factory=dict_row) as session:
        session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        books = Books(
            by(session.execute(TICKETS).fetchall(), "lane_id"),
            by(session.execute(EVENTS).fetchall(), "schema_name"),
            {row["ref"]: row for row in session.execute(RESERVATIONS)},
        )
        for row in session.execute(METERS):
            check_meter(found, row)
        claimed: set[str] = set()
        for schema in [row["schema_name"] for row in session.execute(SCHEMAS)]:
            found.seen["tenants"] += 1
            room = Room(found, books, session, schema, storage, settled, settled and strays)
            claimed |= room.check(set((accepted or {}).get(schema, ())))
    for ref, row in books.reservations.items():
        if ref not in claimed and row["state"] == "held":
            found.lost.append(f"{row['units']} units held for {ref}, which is no open job")
    found.seen["charges"] = sum(r["state"] == "committed" for r in books.reservations.values())
    return found


def by(rows: Iterable[Row], name: str) -> dict[str, list[Row]]:
    """Rows grouped by a column."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[name], []).append(row)
    return groups


def check_meter(found: Findings, row: Row) -> None:
    """The meter is the sum of its reservations."""
    for name in ("used", "reserved"):
        missing = row[f"{name}_by_rows"] - row[name]
        if missing:
            text = f"meter {row['id']} of {row['tenant_id']}: {name} {row[name]}, "
            text += f"by its reservations {row[f'{name}_by_rows']}"
            (found.lost if missing > 0 else found.doubled).append(text)


@dataclass
class Room:
    """One tenant."""

    found: Findings
    books: Books
    session: psycopg.Connection[Row]
    schema: str
    storage: Path
    settled: bool
    strays: bool

    def rows(self, sql: str) -> list[Row]:
        """Rows of the tenant's own tables."""
        self.session.execute(f'SET LOCAL search_path = "{self.schema}", public'.encode())
        return self.session.execute(sql.encode()).fetchall()

    def check(self, accepted: set[str]) -> set[str]:
        """Everything of the tenant. Returns the reservations that its jobs account for."""
        jobs = {row["id"]: row for row in self.rows(JOBS)}
        events = by((e for e in self.books.events.get(self.schema, []) if e["subject"]), "subject")
        tickets = by(self.books.tickets.get(self.schema, []), "ref")
        self.found.seen["jobs"] += len(jobs)
        self.lose(f"job {name}: accepted, and not there" for name in sorted(accepted - set(jobs)))
        claimed: set[str] = set()
        for job in jobs.values():
            self.check_life(job, tickets.get(job["id"], []))
            self.check_job_events(job, Counter(e["type"] for e in events.get(job["id"], [])))
            claimed |= self.check_charge(job)
        self.check_groups(jobs, events)
        self.check_telling(tickets)
        self.check_files(jobs)
        return claimed

    def lose(self, texts: Iterable[str]) -> None:
        """Something is missing."""
        self.found.lost += [f"{self.schema} {text}" for text in texts]

    def double(self, texts: Iterable[str]) -> None:
        """Something is there too often."""
        self.found.doubled += [f"{self.schema} {text}" for text in texts]

    def check_life(self, job: Row, tickets: list[Row]) -> None:
        """An open job has one ticket, an ended one has none."""
        name, status = job["id"], job["status"]
        running = [t for t in tickets if t["task"] == RUN_JOB and t["state"] in OPEN]
        if status in ENDED:
            self.double(f"job {name} is {status} and would run again: {t['id']}" for t in running)
            return
        if self.settled:
            self.lose([f"job {name} is {status} still, stage {job['stage']!r}"])
        if not running:
            self.lose([f"job {name} is {status} and nobody has a ticket for it"])

    def check_job_events(self, job: Row, events: Counter[str]) -> None:
        """One created and one end a round; at most one start; one expiry."""
        rounds, status = job["round"], job["status"]
        ends = {kind: events[kind] for kind in LAST.values()}
        want = rounds if status in ENDED else rounds - 1
        self.count(f"job.created of {job['id']}", events["job.created"], rounds)
        self.count(f"ends of {job['id']} {ends}", sum(ends.values()), want)
        done = status in ("completed", "expired")
        self.count(f"job.completed of {job['id']}", events["job.completed"], int(done))
        self.count(f"job.expired of {job['id']}", events["job.expired"], int(status == "expired"))
        if events["job.started"] > rounds:
            self.double([f"job.started of {job['id']}: {events['job.started']}"])

    def count(self, what: str, have: int, want: int) -> None:
        """As often as it must be."""
        if have < want:
            self.lose([f"{what}: {have} of {want}"])
        elif have > want:
            self.double([f"{what}: {have} instead of {want}"])

    def check_charge(self, job: Row) -> set[str]:
        """The ledger, round by round: what completed is charged, nothing else is."""
        refs = {f"{job['id']}:{n}": n for n in range(1, job["round"] + 1)}
        for ref, number in refs.items():
            row = self.books.reservations.get(ref)
            state = row["state"] if row else None
            want = self.wanted_charge(job, is_last=number == job["round"])
            if state not in want:
                text = f"charge of {ref}: {state}, the job is {job['status']}"
                (self.double if state == "committed" else self.lose)([text])
            elif row and row["units"] != job["units"]:
                self.double([f"charge of {ref}: {row['units']} units for {job['units']}"])
        return set(refs)

    def wanted_charge(self, job: Row, *, is_last: bool) -> set[str | None]:
        """States that the reservation of a round may have."""
        if job["is_test"]:
            return {None}
        if not is_last:  # over the quota when its batch was sent: never reserved
            return {"released", None} if job["batch_id"] else {"released"}
        if job["stage"] == "refused":
            return {None}
        if job["status"] in ("completed", "expired"):
            return {"committed"}
        return {"released"} if job["status"] in ENDED else {"held"}

    def check_groups(self, jobs: Mapping[str, Row], events: Mapping[str, list[Row]]) -> None:
        """Batches and runs: counters agree with their jobs, each end is told once."""
        members = by((job for job in jobs.values() if job["batch_id"]), "batch_id")
        for batch in self.rows(BATCHES):
            self.found.seen["batches"] += 1
            states = Counter(job["status"] for job in members.get(batch["id"], []))
            states["completed"] += states["expired"]
            if sum(states.values()) - states["expired"] == batch["total"]:
                for name in ("completed", "failed", "canceled"):
                    self.count(f"{name} in {batch['id']}", batch[name], states[name])
            is_over = batch["status"] in GROUP_ENDED
            want = batch["round"] if is_over else batch["round"] - 1
            self.count_ends(batch, events, want)
        for run in self.rows(PIPELINES):
            self.found.seen["pipelines"] += 1
            self.count_ends(run, events, int(run["status"] in ("completed", "failed")))

    def count_ends(self, group: Row, events: Mapping[str, list[Row]], want: int) -> None:
        """The events of a group's end."""
        name = group["id"]
        kinds = Counter(e["type"] for e in events.get(name, []) if e["type"] in URL_TYPES)
        self.count(f"ends of {name} {dict(kinds)}", sum(kinds.values()), want)
        if self.settled and group["status"] not in GROUP_ENDED:
            self.lose([f"{name} is {group['status']} still"])

    def check_telling(self, tickets: Mapping[str, list[Row]]) -> None:
        """Each event was handed over, each delivery was made or is due, everyone was notified."""
        all_events = self.books.events.get(self.schema, [])
        self.found.seen["events"] += len(all_events)
        deliveries = by(self.rows(DELIVERIES), "event_id")
        notified = Counter(row["event_id"] for row in self.rows(NOTIFICATIONS))
        for event in all_events:
            name = f"event {event['id']} {event['type']} of {event['subject']}"
            if event["relayed_at"] is None:
                if self.settled:
                    self.lose([f"{name} was not handed over: {event['last_error'][:200]}"])
                continue
            mine = deliveries.get(event["id"], [])
            url = event["webhook_url"] if event["type"] in URL_TYPES else None
            if url and not any(row["url"] == url for row in mine):
                self.lose([f"{name}: no delivery to its webhook_url"])
            if event["notifies"] and not notified[event["id"]]:
                self.lose([f"{name}: nobody was notified"])
        for row in (row for rows in deliveries.values() for row in rows):
            self.check_delivery(row, tickets.get(row["id"], []))

    def check_delivery(self, row: Row, tickets: list[Row]) -> None:
        """A pending delivery has a ticket; one that is over has none."""
        self.found.seen["deliveries"] += 1
        name = f"delivery {row['id']} of {row['event_id']}"
        has_ticket = any(t["task"] == ATTEMPT and t["state"] in OPEN for t in tickets)
        if row["status"] == "pending" and row["is_enabled"] and not has_ticket:
            self.lose([f"{name} is pending and nobody has a ticket for it"])
        if row["status"] != "pending" and has_ticket:
            self.double([f"{name} is {row['status']} and would be sent again"])
        if row["successes"] > 1:
            self.double([f"{name} was sent again after a success"])

    def check_files(self, jobs: Mapping[str, Row]) -> None:
        """Every named file is there with its size; every stored file is named."""
        named: dict[str, int | None] = {}
        for job in jobs.values():
            named |= dict(files_of(job))
        for run in self.rows(PIPELINES):
            if run["status"] not in GROUP_ENDED:
                steps = run["steps"].values()
                named |= {f["key"]: f["size"] for step in steps for f in step.get("files", ())}
        stored = {
            str(path.relative_to(self.storage)): path.stat().st_size
            for kind in ("jobs", "pipelines")
            for path in (self.storage / self.schema / kind).rglob("*")
            if path.is_file()
        }
        self.found.seen["files"] += len(stored)
        for key, size in named.items():
            if key not in stored:
                self.lose([f"file {key} is not there"])
            elif size not in (None, stored[key]):
                self.lose([f"file {key} has {stored[key]} bytes of {size}"])
        if self.strays:
            self.double(
                f"file {key} belongs to nothing" for key in sorted(set(stored) - set(named))
            )


def files_of(job: Row) -> Iterator[tuple[str, int | None]]:
    """Keys that a job's row names, with their sizes."""
    if job["status"] == "expired":
        return
    if job["input_key"]:
        yield job["input_key"], job["input_size"]
    for item in (*(job["inputs"] if job["input_key"] else ()), *job["outputs"]):
        yield item["key"], item["size"]


def dsn_of(data: Path) -> str:
    """The database of a stack, by its data folder."""
    postgres = Postgres(data / "postgres", "", ROOT)
    return f"host={postgres.socket_dir} dbname={DATABASE} user=postgres"


def main() -> int:
    """0 when nothing was lost and nothing done twice."""
    wanted = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    wanted.add_argument("--data", type=Path, default=ROOT / "var", help="of the stack")
    wanted.add_argument("--dsn", help="of PostgreSQL, where it is not the stack's own")
    wanted.add_argument("--storage", type=Path, help="where files are stored, if elsewhere")
    wanted.add_argument("--settled", action="store_true", help="everything must have ended")
    wanted.add_argument("--accepted", type=Path, help="JSON: {schema: [job ids]}")
    asked = wanted.parse_args()
    found = check(
        asked.dsn or dsn_of(asked.data.resolve()),
        (asked.storage or asked.data / "storage").resolve(),
        settled=asked.settled,
        accepted=json.loads(asked.accepted.read_text()) if asked.accepted else None,
    )
    print(found.told())
    return 0 if found.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
