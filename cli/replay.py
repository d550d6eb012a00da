"""`churn replay`: compute recorded predictions again from their inputs and version, bit for bit."""

import typer

from churn.errors import UsageError

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def command() -> None:
    """Compute recorded predictions again from their inputs and version, bit for bit."""
    raise UsageError("not built yet")
