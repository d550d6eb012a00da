"""`churn release`: take a version through shadow, canary, gate and promotion, each watched."""

import typer

from churn.errors import UsageError

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def command() -> None:
    """Take a version through shadow, canary, gate and promotion, each watched."""
    raise UsageError("not built yet")
