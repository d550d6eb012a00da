"""`churn staging`: deploy a version to the staging doors."""

import typer

from churn.errors import UsageError

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def command() -> None:
    """Deploy a version to the staging doors."""
    raise UsageError("not built yet")
