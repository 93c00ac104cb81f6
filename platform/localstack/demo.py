"""`make demo`: the main job in plain sight on a stack of its own; leaves nothing running."""

from pathlib import Path

from localstack import demo_walk, ports
from localstack.console import say
from localstack.serve import ROOT, running
from localstack.stack import Layout
from localstack.supervisor import StackError, Stopping


def demo(data: Path) -> int:
    """Exit status: 0 when every step of the walk held."""
    (data / "run").mkdir(parents=True, exist_ok=True)
    chosen = ports.remembered_ports(data / "run" / "front.json", ("front",))
    layout = Layout(ROOT, data.resolve(), chosen["front"])
    say(f"Filemill demo on {layout.base_url} (data in {layout.shown(layout.data)}/)")
    try:
        with running(layout) as (stack, facts):
            demo_walk.walk(facts, root=ROOT, pause=stack.supervisor.pause)
    except Stopping:
        say("stopped")
        return 1
    except (StackError, demo_walk.WalkError) as error:
        say(f"\n{error}")
        return 1
    say("Everything held. Next: make serve")
    return 0
