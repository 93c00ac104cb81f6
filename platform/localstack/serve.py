"""`make serve`: the whole product on one port, with demo tenants, until Ctrl-C."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from localstack import ports
from localstack.console import say, step
from localstack.stack import Layout, Stack
from localstack.supervisor import StackError, Stopping, Supervisor

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def running(layout: Layout) -> Iterator[tuple[Stack, dict[str, Any]]]:
    """A started and seeded stack with the content of its demo.json; stopped whatever happens.

    demo.json exists exactly while everything answers.
    """
    facts = layout.data / "demo.json"
    roots = [layout.root, layout.data]
    supervisor = Supervisor(run_dir=layout.run, log_dir=layout.log, roots=roots, vanish=[facts])
    with supervisor:
        if supervisor.ended_orphans:
            say(f"  ended what a killed run had left: {', '.join(supervisor.ended_orphans)}")
        _check_port(layout)
        try:
            stack = Stack(layout, supervisor)
            stack.start()
            yield stack, _seed(stack, facts)
        finally:
            with step("stop"):
                supervisor.stop()


def serve(port: int, host: str, data: Path) -> int:
    """Exit status: 0 after Ctrl-C or SIGTERM, 1 when the stack cannot start."""
    layout = Layout(ROOT, data.resolve(), port, host)
    say(f"Filemill on {layout.base_url}")
    try:
        with running(layout) as (stack, demo):
            _introduce(stack, demo)
            stack.supervisor.wait()
    except Stopping:
        return 0
    except StackError as error:
        say(f"\n{error}")
        return 1
    return 0


def _check_port(layout: Layout) -> None:
    if not ports.is_free(layout.port, layout.host):
        raise StackError(f"port {layout.port} is taken; choose another: make serve PORT=8010")


def _seed(stack: Stack, facts: Path) -> dict[str, Any]:
    """Demo tenants through `manage.py seed_demo`, which writes the facts; renamed when complete."""
    layout = stack.layout
    fresh = facts.with_suffix(".json.new")
    fresh.unlink(missing_ok=True)
    receiver = ("--receiver-url", stack.receiver_url)
    log = ("--receiver-log", layout.shown(stack.receiver_log))
    urls = ("--base-url", layout.base_url, "--realtime-url", stack.realtime_url)
    mail = ("--mail-dir", layout.shown(layout.data / "mail"))
    with step("demo tenants"):
        seed = stack.manage("seed_demo", "--out", str(fresh), *urls, *receiver, *log, *mail)
        stack.supervisor.run_once(seed)
        demo: dict[str, Any] = json.loads(fresh.read_text())
    fresh.replace(facts)
    return demo


def _introduce(stack: Stack, demo: dict[str, Any]) -> None:
    layout = stack.layout
    say(f"\n  site       {layout.base_url}/")
    say(f"  API        {layout.base_url}/docs/")
    say(f"  webhooks   {stack.receiver_url} → {layout.shown(stack.receiver_log)}")
    say(f"  mails      {layout.shown(layout.data / 'mail')}/")
    say(f"  logs       {layout.shown(layout.log)}/")
    for tenant in demo["tenants"]:
        owner = tenant["owner"]
        say(f"\n  {tenant['slug']} ({tenant['plan']})")
        say(f"    key      {tenant['api_key']}")
        say(f"    login    {owner['username']}  {owner['password']}")
    say(f"\n  All of it in {layout.shown(layout.data / 'demo.json')}. Ctrl-C stops everything.")
