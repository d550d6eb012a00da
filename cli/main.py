"""The `churn` command. Commands are imported when they are called, so that `churn --help` is quick."""

import importlib
import sys
from importlib.metadata import version
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from typer.core import TyperGroup

from churn.errors import ChurnError, ConflictError
from churn.settings import faults_in, set_library_defaults

COMMANDS = {
    "demo": ("cli.demo.command", "Run the whole ring once and stay up: train, serve, send traffic, look for drift."),
    "ring": ("cli.ring", "Ingest, train, evaluate, register and promote, one after the other."),
    "contract": ("cli.contract", "Check, show or infer a contract."),
    "data": ("cli.data", "Fetch or make customer tables."),
    "ingest": ("cli.ingest", "Take a customer table; set bad rows aside with reasons; report its quality."),
    "label": ("cli.label", "Make the customer table when no column says who left: from an event log, or from usage."),
    "train": ("cli.train", "Search the candidates, calibrate the best, log it as a bundle."),
    "evaluate": ("cli.evaluate", "Score the held-out customers with a run's bundle."),
    "register": ("cli.register", "Make a run's bundle a version, if it equals its pipeline."),
    "promote": ("cli.promote", "Give a version the alias `production`, if the gate agrees."),
    "rollback": ("cli.rollback", "Give the alias back to the version before."),
    "shadow": ("cli.shadow", "Score a version beside production on live customers, and compare the two."),
    "gate": (
        "cli.gate",
        "Judge a version against production without moving anything: promote, hold or reject, and why.",
    ),
    "canary": ("cli.canary", "Let a version answer a share of the customers, and look after it."),
    "release": ("cli.release", "Take a version through shadow, canary, gate and promotion, each watched."),
    "watch": ("cli.watch", "Watch a promotion that was just made, and roll back by itself when it goes wrong."),
    "reconcile": ("cli.reconcile", "Make record and registry agree again, after a crash or a move behind our back."),
    "audit": ("cli.audit", "Verify, show, export and retain the hash-chained record of predictions and moves."),
    "replay": ("cli.replay", "Compute recorded predictions again from their inputs and version, bit for bit."),
    "what-was-live": ("cli.what_was_live", "Say which versions were in production, canary and shadow at a moment."),
    "staging": ("cli.staging", "Deploy a version to the staging doors."),
    "smoke": ("cli.smoke", "Ask a running door the questions that every release must answer."),
    "load": ("cli.load", "Load a running door for a short time and judge its answers."),
    "build": ("cli.build", "Build the Bento."),
    "status": ("cli.status", "Show versions, production and who moved what."),
    "serve": ("cli.serve", "Serve production from BentoML or from the FastAPI fallback."),
    "score": ("cli.score", "Score a file into a file or a database."),
    "work": ("cli.work", "Do the jobs that the doors queue: retraining, activation, scoring of large files."),
    "predict": ("cli.predict", "Predict for one customer at a running door."),
    "drift": ("cli.drift", "Compare live traffic with the reference of the version that served it."),
    "performance": ("cli.performance", "Compare predictions with outcomes; estimate where none has arrived yet."),
    "outcomes": ("cli.outcomes", "Load who left and who stayed."),
    "retrain": ("cli.retrain", "Decide whether to train anew; if so train, evaluate, register and promote."),
    "schedule": ("cli.schedule", "Run drift, performance and retrain at their times."),
    "simulate": ("cli.simulate", "Make customers month by month with a known truth; send them as live traffic."),
    "reports": ("cli.reports", "List drift and performance reports in one page; summarise them."),
    "exporter": ("cli.exporter", "Serve what the store knows to Prometheus."),
    "migrate": ("cli.migrate", "Make the churn store's tables, or bring them to this version's."),
    "user": ("cli.user", "Add people who may sign in, and change what they may do."),
    "key": ("cli.key", "Make, list and revoke API keys for programs."),
    "doctor": ("cli.doctor", "Check this installation and say what to mend."),
}
"""Command → module with a Typer `app`, and the line that `churn --help` shows."""

CONFLICT = 4
"""Exit status when somebody else holds the lease or moved first: programs may look again, and try again."""


class LazyCommands(TyperGroup):
    """A group whose commands live in modules that are imported on first use."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the order of COMMANDS."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import and return one command; None when there is no such command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        command = typer.main.get_command(importlib.import_module(module).app)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


app = typer.Typer(
    cls=LazyCommands,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def churn(
    show_version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Holdfast: predict who leaves, and decide whom to keep."""
    if show_version:
        typer.echo(version("holdfast"))
        raise typer.Exit


def run() -> None:
    """Run the command line; a deliberate error becomes one line on stderr and exit status 1, of a conflict 4."""
    set_library_defaults()
    try:
        app()
    except ChurnError as error:
        typer.echo(f"churn: {error}", err=True)
        sys.exit(CONFLICT if isinstance(error, ConflictError) else 1)
    except ValidationError as error:
        typer.echo(f"churn: a setting in the environment or in .env does not hold: {faults_in(error)}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    run()
