"""`churn load`: load a running door for a short time and judge its answers."""

import typer

from churn.errors import UsageError

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def command() -> None:
    """Load a running door for a short time and judge its answers."""
    raise UsageError("not built yet")
