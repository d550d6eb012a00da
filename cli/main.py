"""The `churn` command. Commands are imported when they are called, so that `churn --help` is quick."""

import importlib
import sys
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from churn.errors import ChurnError
from churn.settings import set_library_defaults

COMMANDS = {
    "contract": ("cli.contract", "Check, show or infer a contract."),
    "data": ("cli.data", "Fetch or make customer tables."),
}
"""Command → module with a Typer `app`, and the line that `churn --help` shows."""


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
    """Run the command line; a deliberate error becomes one line on stderr and exit status 1."""
    set_library_defaults()
    try:
        app()
    except ChurnError as error:
        typer.echo(f"churn: {error}", err=True)
        sys.exit(1)
