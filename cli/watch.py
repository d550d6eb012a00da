"""`churn watch`: watch a promotion that was just made, and roll back by itself when it goes wrong."""

import typer

from churn.errors import UsageError

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def command() -> None:
    """Watch a promotion that was just made, and roll back by itself when it goes wrong."""
    raise UsageError("not built yet")
