"""`churn smoke`: ask a running door the questions that every release must answer."""

import typer

from churn.errors import UsageError

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def command() -> None:
    """Ask a running door the questions that every release must answer."""
    raise UsageError("not built yet")
