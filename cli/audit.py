"""`churn audit`: verify, show, export and retain the hash-chained record of predictions and moves."""

import typer

from churn.errors import UsageError

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def command() -> None:
    """Verify, show, export and retain the hash-chained record of predictions and moves."""
    raise UsageError("not built yet")
