"""`churn demo`: the whole ring once round; it stays up until Ctrl-C, or ends by itself with `--check`."""

import json
import signal
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.options import CONTRACT, ContractOption, DataOption

if TYPE_CHECKING:
    from cli.demo.ring import Demo

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def demo(
    contract: ContractOption = CONTRACT,
    data: DataOption = "auto",
    check: Annotated[bool, typer.Option("--check", help="End by itself; the last line is a JSON summary.")] = False,
) -> None:
    """Train, promote, serve from both doors, send traffic with a shift, score, look for drift; then stay up."""
    signal.signal(signal.SIGTERM, _stop)
    console.err.print("getting ready …", style="dim")
    from churn.contract.reading import load_contract
    from churn.errors import ChurnError
    from churn.settings import Settings
    from cli.demo.ring import Demo, fresh_home
    from cli.demo.screen import show, summary

    run = Demo(fresh_home(Settings().home / "demo"), load_contract(contract), console.progress)
    problem = None
    try:
        show(run.go_round(data), console.out)
        if not check:
            _stay_up(run)
    except ChurnError as error:
        problem = str(error)
        console.err.print(f"churn: {problem}", markup=False)
    except KeyboardInterrupt:
        problem = "interrupted"
    finally:
        run.processes.stop()
    if check:
        typer.echo(json.dumps(summary(run.told, problem=problem)))
    raise typer.Exit(0 if problem is None or (problem == "interrupted" and not check) else 1)


def _stay_up(run: "Demo") -> None:
    from churn.errors import ChurnError
    from cli.demo.eyes import LIVE_RATE, SCHEDULE

    run.keep_going()
    console.out.print(
        f"Everything stays up until Ctrl-C: customers keep coming ({LIVE_RATE} a second), and `churn schedule` "
        f"looks at them ({', '.join(f'{stage} every {every}' for stage, every in SCHEDULE.items())}).",
        markup=False,
    )
    ended = run.processes.wait_until_one_ends()
    raise ChurnError(f"{ended} ended by itself: see {run.processes.log_of(ended)}")


def _stop(number: int, frame: object) -> None:
    """Let SIGTERM end the demo as Ctrl-C does: with everything it started."""
    del number, frame
    raise KeyboardInterrupt
