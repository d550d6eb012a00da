"""`churn build`: build the Bento."""

import typer

from churn.errors import UsageError

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def command() -> None:
    """Build the Bento."""
    raise UsageError("not built yet")
