"""`churn reconcile`: make record and registry agree again, after a crash or a move behind our back."""

import typer

from churn.errors import UsageError

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def command() -> None:
    """Make record and registry agree again, after a crash or a move behind our back."""
    raise UsageError("not built yet")
