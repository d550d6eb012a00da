"""`churn what-was-live`: say which versions were in production, canary and shadow at a moment."""

import typer

from churn.errors import UsageError

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def command() -> None:
    """Say which versions were in production, canary and shadow at a moment."""
    raise UsageError("not built yet")
