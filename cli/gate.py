"""`churn gate`: judge a version against production without moving anything: promote, hold or reject, and why."""

import typer

from churn.errors import UsageError

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def command() -> None:
    """Judge a version against production without moving anything: promote, hold or reject, and why."""
    raise UsageError("not built yet")
