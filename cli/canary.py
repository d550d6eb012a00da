"""`churn canary`: let a version answer a share of the customers, and look after it."""

import typer

from churn.errors import UsageError

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def command() -> None:
    """Let a version answer a share of the customers, and look after it."""
    raise UsageError("not built yet")
